/**
 * The engine's methods and structures that a crawl uses, as `enigma.js/schemas` describes them. What comes from an app's
 * author (properties) is untrusted JSON of any shape.
 */
export type Properties = Readonly<Record<string, unknown>>;

export interface GlobalCalls {
  openDoc(name: string, user: string, password: string, serial: string, noData: boolean): Promise<DocCalls>;
  getActiveDoc(): Promise<DocCalls>;
  engineVersion(): Promise<{ readonly qComponentVersion?: string }>;
}

export interface DocCalls {
  getAppLayout(): Promise<Properties>;
  getObjects(options: {
    readonly qTypes: readonly string[];
    readonly qIncludeSessionObjects: boolean;
    readonly qData: Readonly<Record<string, string>>;
  }): Promise<readonly ContainerEntry[]>;
  getObject(id: string): Promise<ObjectCalls>;
  createSessionObject(properties: Readonly<Record<string, unknown>>): Promise<ObjectCalls>;
  destroySessionObject(id: string): Promise<boolean>;
  getScriptEx(): Promise<{ readonly qScript?: string }>;
  getScript(): Promise<string>;
  getLineage(): Promise<readonly { readonly qDiscriminator?: string; readonly qStatement?: string }[]>;
}

export interface ObjectCalls {
  getLayout(): Promise<Properties>;
  getProperties(): Promise<Properties>;
  getFullPropertyTree(): Promise<PropertyEntry>;
  getChildInfos(): Promise<readonly { readonly qId: string; readonly qType: string }[]>;
}

export interface Meta {
  readonly title?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly published?: boolean;
  readonly approved?: boolean;
  readonly owner?: {
    readonly id?: string;
    readonly userId?: string;
    readonly userDirectory?: string;
    readonly name?: string;
  };
  readonly createdDate?: string;
  readonly modifiedDate?: string;
  readonly publishTime?: string;
}

export interface ContainerEntry {
  readonly qInfo: { readonly qId: string; readonly qType: string };
  readonly qMeta?: Meta;
  readonly qData?: Properties;
}

/** A node of `GetFullPropertyTree`. */
export interface PropertyEntry {
  readonly qProperty: Properties;
  readonly qChildren?: readonly PropertyEntry[];
}

export interface VariableEntry {
  readonly qInfo?: { readonly qId: string };
  readonly qName: string;
  readonly qDefinition?: string;
  readonly qDescription?: string;
  readonly qMeta?: Meta;
  readonly qData?: Properties;
  readonly qIsScriptCreated?: boolean;
  readonly qIsReserved?: boolean;
  readonly qIsConfig?: boolean;
}

/**
 * An engine session: handles, at most one open app, and the calls on them. A session belongs to a user, the app part of
 * the path and an identity; sockets come and go.
 */
import type { UserName } from '../model/types.ts';
import { Line } from '../pacing.ts';
import type { Via } from '../record.ts';
import type { EngineAddress } from './address.ts';
import type { EngineContext } from './context.ts';
import { documentCall } from './document.ts';
import type { DocumentView } from './document-view.ts';
import { viewOf } from './document-view.ts';
import { EngineError } from './errors.ts';
import { globalCall } from './global.ts';
import { classOf, type Held, heldKey, type Json, reference } from './held.ts';
import { objectCall } from './object-calls.ts';
import { type Arguments, argumentsOf, methodOf } from './schema.ts';
import { Selections } from './selections.ts';

/** The result of one call: output parameters by name. */
export type Outputs = Json;

export interface Answer {
  readonly outputs: Outputs;
  readonly change: readonly number[];
  readonly close: readonly number[];
  /** The open that this call did; it costs more than a call. */
  readonly opened: { readonly withData: boolean; readonly bytes: number } | null;
}

/** What the method tables get to work with. */
export interface Call {
  readonly session: EngineSession;
  readonly method: string;
  readonly args: Arguments;
}

interface OpenDocument {
  readonly appId: string;
  readonly withData: boolean;
}

const GLOBAL_HANDLE = -1;
/** `qIncludeProfiling` came with engine 12.936. */
const NEWER_PARAMETERS = ['qIncludeProfiling'] as const;

export class EngineSession {
  readonly context: EngineContext;
  readonly user: UserName;
  readonly address: EngineAddress;
  readonly via: Via;
  /** Calls of one session are served one after the other. */
  readonly line = new Line();
  readonly id: string;
  readonly selections = new Selections();
  #document: OpenDocument | null = null;
  #view: DocumentView | null = null;
  #nextHandle = 1;
  #nextId = 1;
  readonly #held = new Map<number, Held>([[GLOBAL_HANDLE, { kind: 'global' }]]);
  readonly #handles = new Map<string, number>();
  #change: number[] = [];
  #close: number[] = [];
  #opened: Answer['opened'] = null;

  constructor(context: EngineContext, id: string, user: UserName, address: EngineAddress, via: Via) {
    this.context = context;
    this.id = id;
    this.user = user;
    this.address = address;
    this.via = via;
  }

  get document(): OpenDocument | null {
    return this.#document;
  }

  /** The class of the handle, for the record; null when there is no such handle. */
  className(handle: number): string | null {
    const held = this.#held.get(handle);
    return held ? classOf(held) : null;
  }

  /** Serves one call. @throws EngineError */
  serve(handle: number, method: string, params: unknown): Answer {
    this.#change = [];
    this.#close = [];
    this.#opened = null;
    const held = this.#held.get(handle);
    if (!held) throw new EngineError(-32602, 'Object handle not found');
    const known = methodOf(classOf(held), method);
    const { profile } = this.context;
    const missing = method === 'GetScriptEx' && !profile.scriptEx;
    if (!known || missing) throw new EngineError(-32601, method);
    const args = argumentsOf(known, params, profile.profilingParameter ? [] : NEWER_PARAMETERS);
    const call: Call = { session: this, method, args };
    const outputs = this.#dispatch(held, handle, call);
    return { outputs, change: this.#change, close: this.#close, opened: this.#opened };
  }

  #dispatch(held: Held, handle: number, call: Call): Outputs {
    switch (held.kind) {
      case 'global':
        return globalCall(call);
      case 'doc':
        return documentCall(call);
      case 'object':
      case 'session':
      case 'dimension':
      case 'measure':
      case 'bookmark':
      case 'variable':
      case 'field':
        return objectCall(call, held, handle);
      default:
        return held satisfies never;
    }
  }

  /** The open app as it is now. @throws EngineError 1003 when it was deleted since, 1007 when none is open */
  view(): DocumentView {
    if (!this.#document) throw new EngineError(1007, 'No active document');
    const app = this.context.site.app(this.#document.appId);
    if (!app) throw new EngineError(1003, this.#document.appId);
    if (this.#view?.app !== app)
      this.#view = viewOf(this.context.site, app, {
        withData: this.#document.withData,
        textListsEmpty: this.context.textListsEmpty,
        selections: this.selections,
      });
    return this.#view;
  }

  /** Forgets what can be made again: nobody is connected. */
  rest(): void {
    this.#view = null;
  }

  /**
   * `OpenDoc`. @throws EngineError 1002 something is open here already, 1003 no such app, 5 access denied, 1009 the same
   * user and identity has the app open the other way
   */
  open(appId: string, withData: boolean): Json {
    const { site, access, registry, record } = this.context;
    if (this.#document) throw new EngineError(1002, appId);
    const app = site.app(appId);
    if (!app) throw new EngineError(1003, appId);
    if (!access.opensApp(this.user, app)) throw new EngineError(5, appId);
    if (registry.openOtherwise(this, appId, withData)) throw new EngineError(1009, appId);
    this.#document = { appId, withData };
    this.#opened = { withData, bytes: app.fileSizeBytes };
    record.open({ appId, withData, via: this.via, bytes: app.fileSizeBytes });
    const handle = this.#give({ kind: 'doc' });
    this.#change.push(handle);
    return { qType: 'Doc', qHandle: handle, qGenericId: appId };
  }

  /** `GetActiveDoc`. @throws EngineError 1007 */
  activeDocument(): Json {
    const document = this.#document;
    const handle = [...this.#held].find(([, held]) => held.kind === 'doc')?.[0];
    if (!document || handle === undefined) throw new EngineError(1007, 'No active document');
    return { qType: 'Doc', qHandle: handle, qGenericId: document.appId };
  }

  /**
   * The handle of an object, a new one when the session has none yet. A session object that is made again with the same id
   * gets a new one each time; public clients do that, and look at all of them.
   */
  hold(held: Held, made = false): Json {
    const key = heldKey(held);
    const known = key === null || made ? undefined : this.#handles.get(key);
    const handle = known ?? this.#give(held);
    if (key !== null) this.#handles.set(key, handle);
    this.#change.push(handle);
    return reference(held, handle);
  }

  /** Replaces what a handle stands for: the properties of a session object were set. */
  replace(handle: number, held: Held): void {
    this.#held.set(handle, held);
    this.#change.push(handle);
  }

  /** Something was selected: every object may look different now. */
  changeAll(): void {
    for (const [handle, { kind }] of this.#held)
      if (kind === 'object' || kind === 'session' || kind === 'field') this.#change.push(handle);
  }

  /** A session object, wherever it is. */
  sessionObject(id: string): Held | null {
    const handle = this.#handles.get(`object/${id}`);
    const held = handle === undefined ? undefined : this.#held.get(handle);
    return held?.kind === 'session' ? held : null;
  }

  /** Ends a session object and closes its handle; says whether there was one. */
  release(id: string): boolean {
    const handle = this.#handles.get(`object/${id}`);
    if (handle === undefined || this.#held.get(handle)?.kind !== 'session') return false;
    this.#held.delete(handle);
    this.#handles.delete(`object/${id}`);
    this.#close.push(handle);
    return true;
  }

  /** The app is gone: every handle but the global one closes. Returns them. */
  closeDocument(): readonly number[] {
    const closed = [...this.#held.keys()].filter((handle) => handle !== GLOBAL_HANDLE);
    for (const handle of closed) this.#held.delete(handle);
    this.#handles.clear();
    this.selections.clearAll();
    this.#document = null;
    this.#view = null;
    return closed;
  }

  /** An id for an object that came without one. */
  newId(): string {
    const id = `s${this.id}-${this.#nextId}`;
    this.#nextId += 1;
    return id;
  }

  #give(held: Held): number {
    const handle = this.#nextHandle;
    this.#nextHandle += 1;
    this.#held.set(handle, held);
    return handle;
  }
}

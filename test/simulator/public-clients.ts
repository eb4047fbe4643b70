/**
 * The public clients that the site is tried with, loaded as Node loads them and declared as far as they are used: one has
 * no declarations, those of the other do not compile.
 */

import type { Agent } from 'node:https';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export interface QrsInteractConfig {
  readonly hostname: string;
  readonly portNumber: number;
  readonly virtualProxyPrefix?: string;
  readonly certificates?: {
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly pfxFile?: string;
    readonly passphrase?: string;
  };
  readonly headers?: Record<string, string>;
  readonly repoAccount?: string;
}

interface QrsAnswer {
  readonly statusCode: number;
  readonly body: unknown;
}

export interface QrsInteract {
  Get(path: string): Promise<QrsAnswer>;
  Post(path: string, body: unknown, type?: string): Promise<QrsAnswer>;
  Delete(path: string): Promise<QrsAnswer>;
}

export const QrsInteractClient = require('qrs-interact') as new (config: QrsInteractConfig) => QrsInteract;

export interface RepoApiConfig {
  readonly host: string;
  readonly port: number;
  readonly proxy?: string;
  readonly httpsAgent: Agent;
  readonly authentication:
    | { readonly user_dir: string; readonly user_name: string }
    | { readonly header: string; readonly user: string }
    | { readonly token: string }
    | { readonly sessionId: string; readonly cookieHeaderName: string };
}

interface Details {
  readonly details: Readonly<Record<string, unknown>>;
}

interface Area {
  get(arg: { id: string }): Promise<Details>;
  getAll(): Promise<readonly Details[]>;
  getFilter(arg: { filter: string }): Promise<readonly Details[]>;
}

export interface RepoApi {
  readonly about: { get(): Promise<Readonly<Record<string, unknown>>> };
  readonly apps: Area;
  readonly appObjects: Area;
  readonly streams: Area;
  readonly users: Area;
  readonly tags: Area;
  readonly customProperties: Area;
  readonly dataConnections: Area;
  readonly reloadTasks: Area;
  readonly extensions: Area;
  readonly table: {
    create(
      arg: unknown,
    ): Promise<{ status: number; data: { columnNames: string[]; rows: Readonly<Record<string, unknown>>[] } }>;
  };
  readonly selections: {
    create(arg: {
      area: string;
      filter?: string;
    }): Promise<Details & { data(arg: { path: string }): Promise<unknown>; remove(): Promise<number> }>;
  };
  readonly notification: {
    changes(arg: { since: string; types: string }): Promise<readonly Readonly<Record<string, unknown>>[]>;
  };
}

export const RepoApiClient = (
  require('qlik-repo-api') as { QlikRepoApi: { client: new (config: RepoApiConfig) => RepoApi } }
).QlikRepoApi.client;

interface RestClient {
  Get(path: string): Promise<{ status: number; data: unknown }>;
}

export const RestClients = require('qlik-rest-api') as {
  readonly QlikEngineClient: new (config: RepoApiConfig) => RestClient;
  readonly QlikProxyClient: new (config: RepoApiConfig) => RestClient;
};

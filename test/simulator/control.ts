/**
 * The simulator's own door, on loopback: what is true, what clients did, and what shall go wrong. No Qlik site has it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Faults, faultSettings, NO_FAULTS } from './faults.ts';
import type { LowerBound } from './model/cost.ts';
import type { HostileApp } from './model/hostile.ts';
import type { AppLineageTruth } from './model/lineage-truth.ts';
import type { SiteTruth } from './model/truth.ts';
import type { Mutation } from './mutations.ts';
import type { Recorder } from './record.ts';
import { bodyOf, jsonReply, type Reply } from './reply.ts';

export interface ControlTarget {
  readonly record: Recorder;
  readonly faults: Faults;
  readonly hostile: readonly HostileApp[];
  truth(): SiteTruth;
  /** `host`: of the site, as whoever asks calls it. */
  lineageTruth(host: string): readonly AppLineageTruth[];
  lowerBound(sessions: number): LowerBound;
  /** @throws RangeError for an app that does not exist */
  mutate(mutation: Mutation): void;
  apps(): readonly { readonly id: string; readonly name: string }[];
}

const isMutation = (value: unknown): value is Mutation => {
  if (typeof value !== 'object' || value === null) return false;
  const { action, appId, name, change, as, objectId, connection, connectionstring } = value as Readonly<
    Record<string, unknown>
  >;
  if (action === 'move-connection') return typeof connection === 'string' && typeof connectionstring === 'string';
  if (typeof appId !== 'string') return false;
  if (action === 'delete') return true;
  if (action === 'copy') return typeof as === 'string' && typeof name === 'string';
  if (action === 'rename-object') return typeof objectId === 'string' && typeof name === 'string';
  if (action === 'rename') return typeof name === 'string';
  return action === 'change' && typeof change === 'object' && change !== null;
};

const parse = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
};

const bad = (error: string): Reply => jsonReply(400, { error });

const answer = (target: ControlTarget, request: IncomingMessage, body: Buffer): Reply => {
  const url = new URL(request.url ?? '/', 'http://control');
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /truth':
      return jsonReply(200, target.truth());
    case 'GET /truth/lineage':
      return jsonReply(200, target.lineageTruth(url.searchParams.get('host') ?? '127.0.0.1'));
    case 'GET /record':
      return jsonReply(200, target.record.snapshot());
    case 'DELETE /record':
      target.record.reset();
      return jsonReply(200, target.record.snapshot());
    case 'GET /hostile':
      return jsonReply(200, target.hostile);
    case 'GET /apps':
      return jsonReply(200, target.apps());
    case 'GET /lower-bound': {
      const sessions = Number(url.searchParams.get('sessions') ?? '2');
      if (!Number.isInteger(sessions) || sessions < 1) return bad('sessions must be a whole number from 1');
      return jsonReply(200, target.lowerBound(sessions));
    }
    case 'GET /faults':
      return jsonReply(200, target.faults.settings);
    case 'DELETE /faults':
      target.faults.clear();
      return jsonReply(200, target.faults.settings);
    case 'POST /faults': {
      const settings = faultSettings(parse(body));
      if (!settings) return bad(`the body must be a JSON object with some of: ${Object.keys(NO_FAULTS).join(', ')}`);
      target.faults.set(settings);
      return jsonReply(200, target.faults.settings);
    }
    case 'POST /mutate': {
      const mutation = parse(body);
      if (!isMutation(mutation))
        return bad(
          'the body must be {"action":"rename","appId":…,"name":…}, {"action":"delete","appId":…}, {"action":"change","appId":…,"change":{…}}, {"action":"copy","appId":…,"as":…,"name":…} {"action":"rename-object","appId":…,"objectId":…,"name":…} or {"action":"move-connection","connection":…,"connectionstring":…}',
        );
      try {
        target.mutate(mutation);
      } catch (error) {
        if (error instanceof RangeError) return jsonReply(404, { error: error.message });
        throw error;
      }
      return jsonReply(200, { done: true });
    }
    default:
      return jsonReply(404, { error: `no ${request.method} ${url.pathname}` });
  }
};

export function controlServer(target: ControlTarget): Server {
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const respond = async (): Promise<void> => {
      const { status, headers, body } = answer(target, request, await bodyOf(request));
      response.writeHead(status, headers as Record<string, string>);
      response.end(body as string);
    };
    respond().catch((error: unknown) => {
      response.writeHead(500, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ error: String(error) }));
    });
  });
}

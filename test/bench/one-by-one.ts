import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import type { Addresses } from '#test/simulator/simulator.ts';

/**
 * A crawler such as there are others, for comparison: one socket at a time and one request at a time on the engine's own
 * port, apps opened with their data. For each app it makes the calls that OpenMetadata's connector makes (`OpenDoc`, a
 * `SheetList` and its layout, `GetTablesAndKeys`, `GetScript`), and asks each sheet for its property tree besides, so that
 * it brings sheets, charts, tables, fields and scripts, too. Nothing is written down and nothing is tried again.
 */
export interface OneByOne {
  readonly seconds: number;
  readonly requests: number;
  readonly apps: number;
  /** Apps that could not be opened. */
  readonly refused: number;
  readonly sheets: number;
  readonly charts: number;
  readonly tables: number;
  readonly fields: number;
  readonly scripts: number;
}

type Json = Readonly<Record<string, unknown>>;
interface Handle {
  readonly qReturn: { readonly qHandle: number };
}
interface Tree {
  readonly qChildren: readonly Tree[];
}

const GLOBAL = -1;
const ANSWER_MS = 180_000;

class Socket {
  requests = 0;
  readonly #socket: WebSocket;
  readonly #ready: Promise<void>;
  #waiting: { readonly id: number; readonly done: (answer: Json) => void } | undefined;

  constructor({ engineUrl, certificates }: Addresses, path: string) {
    this.#socket = new WebSocket(`${engineUrl}${path}`, {
      cert: readFileSync(certificates.clientPath),
      key: readFileSync(certificates.clientKeyPath),
      ca: readFileSync(certificates.rootPath),
      headers: { 'X-Qlik-User': certificates.qlikUser },
    });
    this.#socket.on('message', (data) => {
      const answer = JSON.parse(String(data)) as Json;
      // Notifications come whenever they like.
      if (this.#waiting !== undefined && answer['id'] === this.#waiting.id) this.#waiting.done(answer);
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#socket.once('open', () => resolve());
      this.#socket.once('error', reject);
    });
  }

  async call<T>(handle: number, method: string, params: readonly unknown[] = []): Promise<T> {
    await this.#ready;
    this.requests += 1;
    const id = this.requests;
    const answered = new Promise<Json>((done, fail) => {
      const late = setTimeout(() => fail(new Error(`${method} was not answered`)), ANSWER_MS);
      this.#waiting = {
        id,
        done: (answer) => {
          clearTimeout(late);
          done(answer);
        },
      };
    });
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, handle, method, params }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Refused(JSON.stringify(error));
    return result as T;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.close();
    await closed;
  }
}

class Refused extends Error {}

const descendants = (tree: Tree): number => tree.qChildren.reduce((sum, child) => sum + 1 + descendants(child), 0);

const SHEET_LIST = {
  qInfo: { qType: 'SheetList' },
  qAppObjectListDef: { qType: 'sheet', qData: { title: '/qMetaDef/title', description: '/qMetaDef/description' } },
};

/** Crawls all apps that the site lists, one after another. */
export const crawlOneByOne = async (addresses: Addresses): Promise<OneByOne> => {
  const started = performance.now();
  const found = { requests: 0, apps: 0, refused: 0, sheets: 0, charts: 0, tables: 0, fields: 0, scripts: 0 };
  const lobby = new Socket(addresses, '/app/engineData');
  const { qDocList } = await lobby.call<{ qDocList: readonly { qDocId: string }[] }>(GLOBAL, 'GetDocList');
  await lobby.close();
  found.requests += lobby.requests + 1;
  for (const { qDocId } of qDocList) {
    const socket = new Socket(addresses, `/app/${qDocId}`);
    try {
      await visit(socket, qDocId, found);
      found.apps += 1;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      found.refused += 1;
    } finally {
      await socket.close();
      // The upgrade is a request, too.
      found.requests += socket.requests + 1;
    }
  }
  return { ...found, seconds: (performance.now() - started) / 1000 };
};

const visit = async (
  socket: Socket,
  appId: string,
  found: { sheets: number; charts: number; tables: number; fields: number; scripts: number },
): Promise<void> => {
  const doc = (await socket.call<Handle>(GLOBAL, 'OpenDoc', [appId])).qReturn.qHandle;
  const list = (await socket.call<Handle>(doc, 'CreateSessionObject', [SHEET_LIST])).qReturn.qHandle;
  const { qLayout } = await socket.call<{
    qLayout: { qAppObjectList: { qItems: readonly { qInfo: { qId: string } }[] } };
  }>(list, 'GetLayout');
  const size = { qcx: 1_000, qcy: 1_000 };
  const { qtr } = await socket.call<{ qtr: readonly { qFields: readonly unknown[] }[] }>(doc, 'GetTablesAndKeys', [
    size,
    size,
    30,
    true,
    false,
  ]);
  const { qScript } = await socket.call<{ qScript: string }>(doc, 'GetScript');
  for (const { qInfo } of qLayout.qAppObjectList.qItems) {
    const sheet = (await socket.call<Handle>(doc, 'GetObject', [qInfo.qId])).qReturn.qHandle;
    const { qPropEntry } = await socket.call<{ qPropEntry: Tree }>(sheet, 'GetFullPropertyTree');
    found.sheets += 1;
    found.charts += descendants(qPropEntry);
  }
  found.tables += qtr.length;
  found.fields += qtr.reduce((sum, { qFields }) => sum + qFields.length, 0);
  found.scripts += qScript.trim() === '' ? 0 : 1;
};

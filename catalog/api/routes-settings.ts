import { z } from 'zod';
import { listConnections } from '#catalog/store/connections.ts';
import {
  compactSettings,
  listSettingsChanges,
  readSettings,
  storeSettings,
} from '#catalog/store/connector-settings.ts';
import { listPublishes } from '#catalog/store/publishes.ts';
import type { Sql } from '#catalog/store/sql.ts';
import { isStorableValue } from '#catalog/store/storable.ts';
import { Fault } from '#protocol/errors.ts';
import { ConnectorSettings } from '#protocol/job-options.ts';
import { type ApiContext, organisationOf, principalOf, type Routes } from './context.ts';
import { ApiError, PublishList, SettingsChangeList, SettingsCheck, StoredSettings } from './contract.ts';
import { refuseUnusable, settingsProblems } from './settings-check.ts';
import { readCursor, readTimeCursor, text, wire, writeCursor } from './wire.ts';

const CHANGES_A_PAGE = 20;
const PUBLISHES_A_PAGE = 20;
const Code = z.object({ code: text(256) });
const Listed = z.object({ after: z.string().max(500).optional() });
const Settings = ConnectorSettings.strict().refine(isStorableValue, 'holds characters that cannot be stored');

const checkConnection = async (sql: Sql, organisationId: string, code: string): Promise<void> => {
  const [found] = await listConnections(sql, organisationId, code);
  if (!found) throw new Fault('job.unknown_connection', `There is no connection ${code}.`);
};

/** What is set for a connection in the catalog, with its history, and what its crawls changed. */
export const settingsRoutes = (routes: Routes, { sql, log }: ApiContext): void => {
  const errors = { '4xx': ApiError, '5xx': ApiError };

  routes.get(
    '/api/v1/connections/:code/settings',
    {
      schema: {
        tags: ['settings'],
        description:
          'What is set in the catalog. What the file of the connection says, and wins, is in `status.settings`.',
        params: Code,
        response: { 200: StoredSettings, ...errors },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      await checkConnection(sql, organisation, request.params.code);
      return wire(await readSettings(sql, organisation, request.params.code));
    },
  );

  routes.put(
    '/api/v1/connections/:code/settings',
    {
      schema: {
        tags: ['settings'],
        description:
          'Replaces the settings. `version` is that of the settings that they were made from; 409 when others changed them since. The next job that begins has them.',
        params: Code,
        body: z.object({ settings: Settings, version: z.int().min(0) }),
        response: { 200: StoredSettings, ...errors },
      },
    },
    async (request) => {
      const { organisationId, email } = principalOf(request);
      const { code } = request.params;
      const { settings, version } = request.body;
      refuseUnusable(settings);
      const stored = await storeSettings(sql, organisationId, code, { settings, version, changedBy: email });
      log.info({ connection: code, version: stored.version, by: email }, 'connector settings changed');
      return wire(stored);
    },
  );

  routes.post(
    '/api/v1/connections/:code/settings/check',
    {
      schema: {
        tags: ['settings'],
        description: 'What would keep settings from being used. Nothing is stored.',
        params: Code,
        body: z.object({ settings: Settings }),
        response: { 200: SettingsCheck, ...errors },
      },
    },
    async (request) => {
      compactSettings(request.body.settings);
      return { problems: [...settingsProblems(request.body.settings)] };
    },
  );

  routes.get(
    '/api/v1/connections/:code/settings/history',
    {
      schema: {
        tags: ['settings'],
        params: Code,
        querystring: Listed,
        response: { 200: SettingsChangeList, ...errors },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      const { code } = request.params;
      await checkConnection(sql, organisation, code);
      const after = readCursor(request.query.after, 1);
      if (after && !/^\d{1,9}$/.test(after[0] ?? ''))
        throw new Fault('api.invalid_request', 'after: not a value that `next` gave');
      const page = await listSettingsChanges(sql, organisation, code, { after, limit: CHANGES_A_PAGE });
      return SettingsChangeList.parse({ items: wire(page.items), next: writeCursor(page.next) });
    },
  );

  routes.get(
    '/api/v1/connections/:code/publishes',
    {
      schema: {
        tags: ['jobs'],
        description: 'Crawls that published something, the newest first, with what each changed.',
        params: Code,
        querystring: Listed,
        response: { 200: PublishList, ...errors },
      },
    },
    async (request) => {
      const organisation = organisationOf(request);
      const { code } = request.params;
      await checkConnection(sql, organisation, code);
      const after = readTimeCursor(request.query.after);
      const page = await listPublishes(sql, organisation, code, { after, limit: PUBLISHES_A_PAGE });
      return { items: wire(page.items), next: writeCursor(page.next) };
    },
  );
};

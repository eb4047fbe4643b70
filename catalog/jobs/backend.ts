import type { Bus } from '#catalog/store/events.ts';
import type { Sql } from '#catalog/store/sql.ts';
import type { EnrolRequest } from '#protocol/messages.ts';
import { enrol } from './enrolment.ts';

export const createBackend = ({ sql }: { sql: Sql; bus: Bus; log: unknown }) => ({
  enrol: (request: EnrolRequest) => enrol(sql, request),
  start: async (): Promise<void> => {},
  close: async (): Promise<void> => {},
});

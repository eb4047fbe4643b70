import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { databaseFault } from '#catalog/store/database-fault.ts';
import { type ErrorCode, type ErrorInfo, Fault } from '#protocol/errors.ts';

/** The HTTP status of each error that the API gives; others are 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  'api.wrong_login': 401,
  'api.unauthenticated': 401,
  'api.csrf': 403,
  'api.forbidden': 403,
  'api.host': 403,
  'api.not_found': 404,
  'api.invalid_request': 400,
  'api.conflict': 409,
  'api.too_many_logins': 429,
  'api.too_many_requests': 429,
  'api.too_long': 503,
  'api.busy': 503,
  'bridge.enrolment_refused': 403,
  'agent.revoked': 409,
  'agent.last_key': 409,
  'job.unknown_connection': 404,
  'job.connection_invalid': 409,
  'job.connection_busy': 409,
  'job.agent_offline': 409,
  'catalog.unavailable': 503,
};

export const notFound = (what: string): Fault => new Fault('api.not_found', `There is no ${what}.`);

/**
 * Any error as status and body. What is not meant for people (an exception's text, a query) stays out of the body:
 * `logged` says that it belongs into the log.
 */
export const asProblem = (error: unknown): { status: number; body: ErrorInfo; logged: boolean } => {
  if (error instanceof Fault) {
    const status = STATUS[error.code] ?? 500;
    return { status, body: error.toJSON(), logged: status >= 500 };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const message = error.validation
      .slice(0, 3)
      .map((issue) => `${error.validationContext ?? 'request'}${issue.instancePath}: ${issue.message}`)
      .join('; ');
    return { status: 400, body: new Fault('api.invalid_request', message).toJSON(), logged: false };
  }
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return {
      status: statusCode,
      body: new Fault('api.invalid_request', message ?? 'bad request').toJSON(),
      logged: false,
    };
  const unavailable = databaseFault(error);
  if (unavailable) return { status: 503, body: unavailable.toJSON(), logged: true };
  return {
    status: 500,
    body: new Fault('internal', 'The catalog failed to answer; its log says why.').toJSON(),
    logged: true,
  };
};

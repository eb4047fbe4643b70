import { Fault } from '#protocol/errors.ts';
import type { Strain } from '../strain.ts';

/** What enigma.js rejects with: an Error whose `code` is the engine's, or its own (negative) one. */
interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly parameter: string;
}

export const rpcError = (error: unknown): RpcError | undefined => {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return undefined;
  const parameter = 'parameter' in error && typeof error.parameter === 'string' ? error.parameter : '';
  return { code: error.code, message: error.message, parameter };
};

/** enigma.js: the socket closed (-1), or the engine gave no object (-2). */
export const NOT_CONNECTED = -1;
export const OBJECT_NOT_FOUND = -2;
/** JSON-RPC: this engine does not have the method (an older release). */
export const METHOD_NOT_FOUND = -32601;
export const ABORTED = 15;
export const ALREADY_OPEN = 1002;

/** Whether an error code says that the engine bears too much. */
export const strainOf = (code: number): Strain | undefined => {
  if (code === ABORTED) return 'aborted';
  if (code === 19) return 'memory';
  return code === 5006 ? 'busy' : undefined;
};

/** What an error code of the engine means (names from the engine's own list, LocalizedErrorCode). */
export const engineFault = (error: RpcError, doing: string, cause: unknown): Fault => {
  const seen = `${doing}: the engine answered ${error.code} (${error.message}${error.parameter === '' ? '' : `: ${error.parameter}`})`;
  switch (error.code) {
    case 2:
    case 1003:
    case 9003:
    case OBJECT_NOT_FOUND:
      return new Fault('qlik.not_found', seen, { cause });
    case 5:
    case 4000:
    case 12002:
      return new Fault('qlik.access_denied', seen, { cause });
    case 19:
    case 5006:
      return new Fault('qlik.overloaded', seen, { cause });
    case 5000:
    case 5001:
    case 5002:
    case 5003:
    case 5004:
    case 5005:
    case 5007:
    case 5008:
    case 5009:
      return new Fault('qlik.license', seen, { cause });
    case 16:
      return new Fault('network.reset', seen, { cause });
    case ABORTED:
    case 1008:
    case 1009:
    case 1010:
      return new Fault('qlik.engine_failed', seen, { cause });
    default:
      return new Fault('qlik.engine_failed', seen, { cause, retryable: false });
  }
};

/** What a notification says that ends a session, or undefined for one that only informs. */
export const notificationFault = (topic: string, parameters: unknown, where: string): Fault | undefined => {
  switch (topic) {
    case 'OnMaxParallelSessionsExceeded':
      return new Fault('qlik.session_limit', `${where}: the user has as many sessions open as allowed (${topic})`);
    case 'OnLicenseAccessDenied':
    case 'OnLicenseAccessDeniedPendingUserSync':
      return new Fault('qlik.license', `${where}: the user has no licence (${topic})`);
    case 'OnNoEngineAvailable':
    case 'OnEngineWebsocketFailed':
      return new Fault('qlik.no_engine', `${where}: the proxy found no engine for it (${topic})`);
    case 'OnNoRepositoryAvailable':
    case 'OnRepositoryWebsocketFailed':
      return new Fault('qlik.unavailable', `${where}: the repository is not available (${topic})`);
    case 'OnSessionTimedOut':
    case 'OnSessionClosed':
    case 'OnSessionLoggedOut':
      return new Fault('network.reset', `${where}: the server ended the session (${topic})`);
    case 'OnAuthenticationInformation':
      return field(parameters, 'mustAuthenticate') === true
        ? new Fault('qlik.unauthorized', `${where}: the proxy wants a login (${topic})`)
        : undefined;
    case 'OnConnected':
      return stateFault(field(parameters, 'qSessionState'), where);
    default:
      return undefined;
  }
};

const stateFault = (state: unknown, where: string): Fault | undefined => {
  switch (state) {
    case 'SESSION_ERROR_NO_LICENSE':
    case 'SESSION_ERROR_LICENSE_RENEW':
      return new Fault('qlik.license', `${where}: the user has no licence (${state})`);
    case 'SESSION_ERROR_LIMIT_EXCEEDED':
      return new Fault('qlik.session_limit', `${where}: too many sessions (${state})`);
    case 'SESSION_ERROR_APP_ACCESS_DENIED':
    case 'SESSION_ACCESS_CONTROL_SETUP_FAILURE':
      return new Fault('qlik.access_denied', `${where}: the user may not open the app (${state})`);
    case 'SESSION_ERROR_SECURITY_HEADER_CHANGED':
      return new Fault('qlik.unauthorized', `${where}: the session belongs to another user (${state})`);
    case 'SESSION_ERROR_APP_FAILURE':
      return new Fault('qlik.engine_failed', `${where}: the engine failed (${state})`);
    default:
      return typeof state === 'string' && state.startsWith('SESSION_ERROR')
        ? new Fault('qlik.engine_failed', `${where}: the engine refused the session (${state})`)
        : undefined;
  }
};

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

import type { ApiError, Me } from '#catalog/api/contract.ts';

/** How long one call may take before the page gives up on it and says so. */
const DEADLINE_MS = 20_000;

/** What a call was refused with: the API's own error, or the page's word for a catalog that did not answer. */
export class Refusal extends Error implements ApiError {
  readonly code: string;
  readonly retryable: boolean;
  readonly advice: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, error: ApiError) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.retryable = error.retryable;
    this.advice = error.advice;
  }
}

const unreachable = (message: string): Refusal =>
  new Refusal(0, {
    code: 'page.unreachable',
    message,
    retryable: true,
    advice: 'Check that the catalog runs and that this computer reaches it. The page tries again by itself.',
  });

const refusalOf = async (response: Response): Promise<Refusal> => {
  const body: unknown = await response.json().catch(() => null);
  if (typeof body === 'object' && body !== null && 'code' in body && 'message' in body) {
    const { code, message } = body;
    return new Refusal(response.status, {
      code: String(code),
      message: String(message),
      retryable: 'retryable' in body && body.retryable === true,
      advice: 'advice' in body ? String(body.advice) : '',
    });
  }
  return new Refusal(response.status, {
    code: `page.http_${response.status}`,
    message: `The catalog answered with HTTP status ${response.status}.`,
    retryable: response.status >= 500,
    advice: response.status >= 500 ? "Try again in a moment; if it stays, look into the catalog's log." : 'Go back.',
  });
};

let csrf = '';
let onSessionLost: () => void = () => {};

/** Keeps the token that every changing call has to send back. */
export const keepCsrf = (token: string): void => {
  csrf = token;
};

/** Called whenever a call finds that there is no session any more. */
export const whenSessionLost = (listener: () => void): void => {
  onSessionLost = listener;
};

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const send = async (method: Method, path: string, body: unknown, signal?: AbortSignal): Promise<Response> => {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method !== 'GET') headers['x-csrf-token'] = csrf;
  if (body !== undefined) headers['content-type'] = 'application/json';
  try {
    return await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable(
      deadline.aborted
        ? `The catalog did not answer within ${DEADLINE_MS / 1000} seconds.`
        : 'The catalog cannot be reached.',
    );
  }
};

/**
 * One call of the API. Throws {@link Refusal}, or the abort of `signal`. A session that ended is reported to the page
 * besides; a CSRF token that another tab's login has replaced is fetched again and the call repeated once.
 */
export const call = async <T>(
  method: Method,
  path: string,
  { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
): Promise<T> => {
  let response = await send(method, path, body, signal);
  if (response.status === 403 && method !== 'GET' && path !== '/api/v1/login') {
    const refusal = await refusalOf(response);
    if (!refusal.code.includes('csrf')) throw refusal;
    keepCsrf((await call<Me>('GET', '/api/v1/me', signal ? { signal } : {})).csrf);
    response = await send(method, path, body, signal);
  }
  if (!response.ok) {
    if (response.status === 401 && path !== '/api/v1/login') onSessionLost();
    throw await refusalOf(response);
  }
  if (response.status === 204) return undefined as T;
  return (await response.json().catch(() => {
    throw unreachable('The catalog broke off its answer.');
  })) as T;
};

/** A path with its query; entries that are empty or undefined are left out. */
export const withQuery = (path: string, query: Record<string, string | number | null | undefined>): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
};

/** Any thrown value as something that can be shown. */
export const shown = (error: unknown): ApiError =>
  error instanceof Refusal
    ? error
    : {
        code: 'page.defect',
        message: error instanceof Error ? error.message : String(error),
        retryable: false,
        advice: 'This is a defect of the page: reload it, and report it if it comes again.',
      };

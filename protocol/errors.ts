import { z } from 'zod';
import { BRIDGE_KINDS } from './errors/bridge.ts';
import { CATALOG_KINDS } from './errors/catalog.ts';
import type { ErrorKind } from './errors/kind.ts';
import { LINEAGE_KINDS } from './errors/lineage.ts';
import { NETWORK_KINDS } from './errors/network.ts';
import { QLIK_KINDS } from './errors/qlik.ts';
import { SETTINGS_KINDS } from './errors/settings.ts';

/**
 * Errors that a person can see. Every one has a stable `code`, says whether trying again can help (`retryable`), and
 * ends in `advice`: one sentence that says what to do next. The tables in `errors/` are the only places where codes are
 * made; others read them here, all together.
 */
export const ERROR_KINDS = {
  ...SETTINGS_KINDS,
  ...NETWORK_KINDS,
  ...QLIK_KINDS,
  ...BRIDGE_KINDS,
  ...CATALOG_KINDS,
  ...LINEAGE_KINDS,
  internal: { retryable: false, advice: 'This is a defect of Culvert: please report it with the log.' },
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** An error as it travels and as it is shown. */
export const ErrorShape = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  advice: z.string(),
});
export type ErrorInfo = Readonly<z.infer<typeof ErrorShape>>;

/** An error that a person can see; `retryable` and `advice` come from {@link ERROR_KINDS} unless given. */
export class Fault extends Error implements ErrorInfo {
  override readonly name = 'Fault';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly advice: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; advice?: string; retryable?: boolean } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = options.retryable ?? ERROR_KINDS[code].retryable;
    this.advice = options.advice ?? ERROR_KINDS[code].advice;
  }

  /** Only what may be shown: no cause, no stack. */
  toJSON(): ErrorInfo {
    return { code: this.code, message: this.message, retryable: this.retryable, advice: this.advice };
  }
}

/** The error of a code, without anything that was thrown; `advice` when there is better one than that of the table. */
export const errorInfo = (code: ErrorCode, message: string, advice?: string): ErrorInfo => ({
  code,
  message,
  retryable: ERROR_KINDS[code].retryable,
  advice: advice ?? ERROR_KINDS[code].advice,
});

/** Any thrown value as a {@link Fault}; what is not one already becomes `internal` (or `code`), keeping its message. */
export const asFault = (error: unknown, code: ErrorCode = 'internal'): Fault =>
  error instanceof Fault
    ? error
    : new Fault(code, error instanceof Error ? error.message : String(error), { cause: error });

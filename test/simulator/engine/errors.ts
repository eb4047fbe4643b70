/** Engine errors as they stand in a JSON-RPC answer: a code of the schema's `LocalizedErrorCode`, and its text. */
const MESSAGES: Readonly<Record<number, string>> = {
  [-32700]: 'Parse error',
  [-32600]: 'Invalid Request',
  [-32601]: 'Method not found',
  [-32602]: 'Invalid Params',
  [-128]: 'Internal error',
  2: 'Resource not found',
  3: 'Resource already exists',
  5: 'Access is denied',
  15: 'Request aborted',
  16: 'Connection lost',
  17: 'Unsupported in this product version',
  19: 'Memory limit reached',
  1002: 'App already open',
  1003: 'App not found',
  1007: 'App invalid',
  1009: 'App already open in different mode',
  1015: 'App size exceeded',
  4000: 'User access denied',
  5006: 'Server busy',
  7009: 'Requested pages too large',
  12002: 'Personal section access',
};

export class EngineError extends Error {
  readonly code: number;
  readonly parameter: string;

  constructor(code: number, parameter = '') {
    super(MESSAGES[code] ?? `Error ${code}`);
    this.code = code;
    this.parameter = parameter;
  }

  toJSON(): { code: number; parameter: string; message: string } {
    return { code: this.code, parameter: this.parameter, message: this.message };
  }
}

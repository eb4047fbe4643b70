/** Where the bridge logs; pino's loggers fit. Fields never hold a secret. */
export interface BridgeLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

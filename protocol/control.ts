import type { z } from 'zod';
import { CLOSE, type CloseCode, LIMITS } from './constants.ts';
import { ToAgent, ToGateway } from './messages.ts';

/** A control message that may not be: the connection ends with `closeCode`. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly closeCode: CloseCode;

  constructor(closeCode: CloseCode, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}

const encoder = new TextEncoder();

/** The size of a control frame as it is counted against `controlBytes`. */
export const controlBytes = (text: string): number => encoder.encode(text).length;

const typesOf = (union: { readonly options: readonly { readonly shape: { readonly type: unknown } }[] }) =>
  new Set(union.options.map(({ shape }) => (shape.type as { readonly value: string }).value));

const reader = <T>(schema: z.ZodType<T>, known: ReadonlySet<string>) => {
  return (text: string): T | undefined => {
    if (text.length > LIMITS.controlBytes || controlBytes(text) > LIMITS.controlBytes)
      throw new ControlError(CLOSE.badMessage, `a control message is over ${LIMITS.controlBytes} bytes`);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new ControlError(CLOSE.badMessage, 'a control message is not JSON');
    }
    const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
    if (typeof type !== 'string') throw new ControlError(CLOSE.badMessage, 'a control message has no type');
    if (!known.has(type)) {
      if ((value as { opt?: unknown }).opt === true) return undefined;
      throw new ControlError(CLOSE.unknownMessage, `the message type ${type.slice(0, 40)} is not known`);
    }
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    const at = read.error.issues[0];
    throw new ControlError(CLOSE.badMessage, `${type}: ${at?.path.join('.') ?? ''} ${at?.message ?? 'is not valid'}`);
  };
};

/**
 * Reads what a gateway sent. Undefined for a message of an unknown type that says `"opt": true`: it may be ignored.
 * @throws ControlError
 */
export const readToAgent: (text: string) => ToAgent | undefined = reader(ToAgent, typesOf(ToAgent));
/** Reads what an agent sent, as {@link readToAgent}. @throws ControlError */
export const readToGateway: (text: string) => ToGateway | undefined = reader(ToGateway, typesOf(ToGateway));

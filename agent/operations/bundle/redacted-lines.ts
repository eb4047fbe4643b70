import { leavingAttributes } from '#config/redaction/leaving.ts';

const REDACTED = '[redacted]';
const SECRET_KEY =
  /passw|pwd|secret|token|cookie|authorization|credential|private|apikey|api_key|set-cookie|proof|signature/i;

type Json = Parameters<typeof leavingAttributes>[0][string];
type JsonObject = { [key: string]: Json };

const byKey = (value: Json, depth = 0): Json => {
  if (typeof value !== 'object' || value === null || depth > 20) return value;
  if (Array.isArray(value)) return value.map((item) => byKey(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      SECRET_KEY.test(key) && inner !== null && typeof inner !== 'boolean' ? REDACTED : byKey(inner, depth + 1),
    ]),
  );
};

/** An object without what its keys, its looks or the known values say is secret. */
export const redactedObject = (value: JsonObject): JsonObject => leavingAttributes(byKey(value) as JsonObject).value;

/** Lines of JSON, each redacted; what is no JSON object is left out and counted. */
export const redactedLines = (lines: readonly string[]): { readonly text: string; readonly leftOut: number } => {
  const kept: string[] = [];
  let leftOut = 0;
  for (const line of lines)
    try {
      const value = JSON.parse(line) as Json;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) leftOut += 1;
      else kept.push(JSON.stringify(redactedObject(value)));
    } catch {
      leftOut += 1;
    }
  return { text: kept.map((line) => `${line}\n`).join(''), leftOut };
};

/** What a JSON web token says of itself in a part, whoever signed it; undefined for what is no such token. */
export const tokenPart = (token: string, part: 'head' | 'claims'): Readonly<Record<string, unknown>> | undefined => {
  try {
    const text = Buffer.from(token.split('.')[part === 'head' ? 0 : 1] ?? '', 'base64url').toString('utf8');
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/** When a token ends, in ms since 1970; undefined when it says nothing of that. */
export const tokenEndMs = (token: string): number | undefined => {
  const exp = tokenPart(token, 'claims')?.['exp'];
  return typeof exp === 'number' && Math.abs(exp) < 8.64e12 ? exp * 1000 : undefined;
};

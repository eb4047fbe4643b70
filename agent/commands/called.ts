/** How the program was called, for lines that a person can type. */
export const called = (): string =>
  process.env['npm_lifecycle_event'] === 'culvert' ? 'npm run --silent culvert --' : 'culvert';

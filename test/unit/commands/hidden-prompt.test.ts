import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { askHidden } from '#agent/commands/hidden-prompt.ts';

const asked = (...chunks: string[]) => {
  const shown: string[] = [];
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (on: boolean) => raw.push(on) });
  const answer = askHidden({ input, output: { write: (text) => shown.push(text) } }, 'Value: ');
  for (const chunk of chunks) input.write(chunk);
  return { answer, shown, raw, input };
};

describe('a hidden prompt', () => {
  test('shows nothing of what is typed, and gives the terminal back', async () => {
    const { answer, shown, raw } = asked('can', 'ary-ä𝄞', '\r');
    expect(await answer).toBe('canary-ä𝄞');
    expect(shown).toEqual(['Value: ', '\n']);
    expect(raw).toEqual([true, false]);
  });

  test('takes corrections by whole characters, and no arrow keys', async () => {
    expect(await asked('ab𝄞\u007f\u007fc', '\u001b[D', 'd\n').answer).toBe('acd');
    expect(await asked('wrong\u0015right\n').answer).toBe('right');
    expect(await asked('\u007fx\u0004').answer).toBe('x');
  });

  test('ends with the input, and is given up with Ctrl-C', async () => {
    const { answer, input } = asked('canary');
    input.end();
    expect(await answer).toBe('canary');
    const given = asked('canary\u0003');
    await expect(given.answer).rejects.toMatchObject({ code: 'job.cancelled' });
    expect(given.raw).toEqual([true, false]);
  });
});

import { Fault } from '#protocol/errors.ts';

/** A terminal to ask at: what of the standard streams is needed. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { setRawMode(raw: boolean): unknown };
  readonly output: { write(text: string): unknown };
}

const ERASE = new Set(['\u007f', '\b']);
const END = new Set(['\r', '\n', '\u0004']);
const CLEAR = '\u0015';
const INTERRUPT = '\u0003';
const ESCAPE = '\u001b';

/**
 * Asks for one line without showing what is typed. Waits for a person, so there is no deadline.
 *
 * @throws Fault `job.cancelled` for Ctrl-C
 */
export const askHidden = async ({ input, output }: Terminal, question: string): Promise<string> => {
  output.write(question);
  input.setRawMode(true);
  input.setEncoding('utf8');
  input.resume();
  let characters: string[] = [];
  try {
    return await new Promise<string>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        input.removeListener('data', onData);
        input.removeListener('end', onEnd);
        settle();
      };
      const onEnd = (): void => finish(() => resolve(characters.join('')));
      const onData = (chunk: Buffer | string): void => {
        const text = String(chunk);
        // Keys such as the arrows, which mean nothing here.
        if (text.startsWith(ESCAPE)) return;
        for (const character of text) {
          if (character === INTERRUPT || END.has(character)) {
            const cancelled = new Fault('job.cancelled', 'Nothing was typed in: it was stopped with Ctrl-C', {
              advice: 'Run it again.',
            });
            if (character === INTERRUPT) finish(() => reject(cancelled));
            else onEnd();
            return;
          }
          if (ERASE.has(character)) characters.pop();
          else if (character === CLEAR) characters = [];
          else characters.push(character);
        }
      };
      input.on('data', onData);
      input.on('end', onEnd);
    });
  } finally {
    input.pause();
    input.setRawMode(false);
    output.write('\n');
  }
};

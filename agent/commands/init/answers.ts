import { createInterface } from 'node:readline/promises';

/** Where answers come from. */
export interface AnswerSource {
  /** True: a person sits there, and is asked again after a mistake. */
  readonly person: boolean;
  /** The answer to a question; undefined when there are no more. */
  ask(prompt: string): Promise<string | undefined>;
  close(): void;
}

/** More is no answer but a file that was piped in by mistake. */
const MAX_ANSWER = 4000;

/** Reads answers from a terminal, or line by line from whatever the standard input is. Questions go to standard error. */
export const fromStandardInput = (): AnswerSource => {
  const person = process.stdin.isTTY;
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: person });
  const read = lines[Symbol.asyncIterator]();
  return {
    person,
    ask: async (prompt) => {
      if (person) {
        lines.setPrompt(prompt);
        lines.prompt();
      }
      const { value, done } = await read.next();
      return done === true ? undefined : String(value).slice(0, MAX_ANSWER);
    },
    close: () => lines.close(),
  };
};

/** No answers at all: the standards, and what the command line says. */
export const noAnswers: AnswerSource = { person: false, ask: async () => '', close: () => undefined };

import type { BrokenFile } from '#catalog/api/contract.ts';
import { excerptWithCaret } from './excerpt.ts';
import { Scroll } from './panels.tsx';
import { Marked } from './text.tsx';

export type ConfigProblem = BrokenFile['status']['problems'][number];

const place = ({ file, line, column }: ConfigProblem): string =>
  [file, line, column].filter((part) => part !== undefined).join(':');

const Problem = ({ problem }: { problem: ConfigProblem }) => {
  const excerpt = problem.excerpt === undefined ? undefined : excerptWithCaret(problem.excerpt, problem.column);
  const gutter = problem.line === undefined ? '' : `${problem.line} │ `;
  return (
    <li class={`problem ${problem.severity}`}>
      <p class="problem-head">
        <strong class="severity">{problem.severity === 'error' ? 'Error' : 'Warning'}</strong>
        <code class="place">
          <bdi>{place(problem)}</bdi>
        </code>
        <code class="code">{problem.code}</code>
      </p>
      <p class="problem-message">
        <Marked text={problem.message} />
      </p>
      {excerpt && (
        <Scroll label={problem.line === undefined ? 'The file' : `Line ${problem.line} of the file`} class="excerpt">
          <pre dir="ltr">
            {gutter}
            {excerpt.line}
            {excerpt.caret !== '' && (
              <span class="caret" aria-hidden="true">
                {`\n${' '.repeat(Math.max(0, gutter.length - 2))}${gutter === '' ? '' : '│ '}${excerpt.caret}`}
              </span>
            )}
          </pre>
        </Scroll>
      )}
      <p class="problem-advice">
        <strong>What to do:</strong> <Marked text={problem.advice} />
      </p>
    </li>
  );
};

/** What is wrong or odd in a connection file: errors first, each with its place, the line, and the fix. */
export const Problems = ({ problems }: { problems: readonly ConfigProblem[] }) =>
  problems.length === 0 ? null : (
    <ul class="problems">
      {problems
        .toSorted((a, b) => a.severity.localeCompare(b.severity))
        .map((problem, index) => (
          <Problem key={`${index} ${problem.code}`} problem={problem} />
        ))}
    </ul>
  );

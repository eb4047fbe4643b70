import { useEffect, useId, useRef } from 'preact/hooks';
import { number } from '../format.ts';
import { Copy } from './controls.tsx';
import { Scroll } from './panels.tsx';
import { sectionsOf } from './sections.ts';

/** Lines with some of them marked; `first` and `last` count from 0, and may lie outside. */
const Marked = ({ lines, first, last }: { lines: readonly string[]; first: number; last: number }) => {
  const mark = useRef<HTMLElement>(null);
  const isThere = first >= 0 && first < lines.length;
  useEffect(() => mark.current?.scrollIntoView({ block: 'center' }), [first]);
  if (!isThere) return <>{lines.join('\n')}</>;
  return (
    <>
      {lines
        .slice(0, first)
        .map((line) => `${line}\n`)
        .join('')}
      <mark ref={mark}>{lines.slice(first, last + 1).join('\n')}</mark>
      {lines
        .slice(last + 1)
        .map((line) => `\n${line}`)
        .join('')}
    </>
  );
};

/**
 * A load script with line numbers and a way to each of its sections.
 *
 * @param props.from the number of its first line
 * @param props.marked numbers of the first and the last line to be shown; 0: none
 */
export const Script = ({
  text,
  from,
  marked: [first, last],
}: {
  text: string;
  from: number;
  marked: readonly [first: number, last: number];
}) => {
  const id = useId();
  const sections = sectionsOf(text);
  const lines = sections.reduce((sum, section) => sum + section.lines.length, 0);
  return (
    <section class="script" aria-labelledby={`${id}-title`}>
      <div class="script-head">
        <h2 id={`${id}-title`}>Load script</h2>
        <span class="quiet">
          {number(lines)} {lines === 1 ? 'line' : 'lines'}
        </span>
        <Copy text={text} what="Load script" />
      </div>
      <div class="script-body">
        {sections.length > 1 && (
          <nav aria-label="Sections of the script">
            <ol>
              {sections.map((section, index) => (
                <li key={section.from}>
                  <a href={`#${id}-${index}`}>
                    <bdi>{section.name || '(no name)'}</bdi>
                  </a>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <div class="script-sections">
          {sections.map((section, index) => (
            <div class="script-section" id={`${id}-${index}`} key={section.from} tabIndex={-1}>
              {sections.length > 1 && (
                <h3>
                  <bdi>{section.name || '(no name)'}</bdi>
                </h3>
              )}
              <Scroll label={`Script, section ${section.name}`} class="code-lines">
                <pre class="line-numbers" aria-hidden="true">
                  {section.lines.map((_, line) => section.from + line + from - 1).join('\n')}
                </pre>
                <pre class="line-text" dir="ltr">
                  <code>
                    <Marked
                      lines={section.lines}
                      first={first - (section.from + from - 1)}
                      last={last - (section.from + from - 1)}
                    />
                  </code>
                </pre>
              </Scroll>
            </div>
          ))}
        </div>
      </div>
    </section>
  );
};

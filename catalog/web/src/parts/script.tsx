import { useId } from 'preact/hooks';
import { number } from '../format.ts';
import { Copy } from './controls.tsx';
import { Scroll } from './panels.tsx';

interface Section {
  readonly name: string;
  /** Number of the first line, from 1. */
  readonly from: number;
  readonly lines: readonly string[];
}

const TAB = /^\/\/\/\$tab\s?(.*)$/;

/** Cuts a load script where its tabs begin; text before the first tab is a section when it is not blank. */
export const sectionsOf = (text: string): readonly Section[] => {
  const lines = text.split(/\r\n|\n|\r/);
  const starts = lines.flatMap((line, index) => {
    const name = TAB.exec(line)?.[1];
    return name === undefined ? [] : [{ name: name.trim(), index }];
  });
  const first = starts[0]?.index ?? lines.length;
  const before = lines.slice(0, first);
  const sections: Section[] =
    starts.length === 0 || before.some((line) => line.trim() !== '') ? [{ name: 'Main', from: 1, lines: before }] : [];
  for (const [position, { name, index }] of starts.entries())
    sections.push({ name, from: index + 1, lines: lines.slice(index, starts[position + 1]?.index ?? lines.length) });
  return sections;
};

/** A load script with line numbers and a way to each of its sections. */
export const Script = ({ text }: { text: string }) => {
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
                  {section.lines.map((_, line) => section.from + line).join('\n')}
                </pre>
                <pre class="line-text" dir="ltr">
                  <code>{section.lines.join('\n')}</code>
                </pre>
              </Scroll>
            </div>
          ))}
        </div>
      </div>
    </section>
  );
};

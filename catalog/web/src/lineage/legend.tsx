import { MarkShape } from './drawing.tsx';
import type { Line } from './model.ts';
import { CONFIDENCE_WORDS, CONFIDENCES, MARK_WORDS, type Mark, strokeOf } from './strokes.ts';

const MARKS = Object.keys(MARK_WORDS) as readonly Mark[];

/** What the strokes and marks that are in the picture say: nothing is told by colour alone. */
export const Legend = ({ lines }: { lines: readonly Line[] }) => {
  const strokes = lines.map(strokeOf);
  return (
    <details class="lineage-legend" open>
      <summary>What the lines mean</summary>
      <ul>
        {CONFIDENCES.filter((one) => strokes.some(({ confidence }) => confidence === one)).map((confidence) => (
          <li key={confidence}>
            <svg width="56" height="14" viewBox="0 0 56 14" aria-hidden="true">
              <g class={`lineage-line is-${confidence}`}>
                <path class="lineage-stroke" d="M2 7h52" />
              </g>
            </svg>
            {CONFIDENCE_WORDS[confidence]}
          </li>
        ))}
        {strokes.some(({ confidence }) => confidence === null) && (
          <li>
            <svg width="56" height="14" viewBox="0 0 56 14" aria-hidden="true">
              <g class="lineage-line">
                <path class="lineage-stroke" d="M2 7h52" />
              </g>
            </svg>
            Certain: Qlik itself says it
          </li>
        )}
        {strokes.some(({ isConditional }) => isConditional) && (
          <li>
            <svg width="56" height="20" viewBox="0 0 56 20" aria-hidden="true">
              <g class="lineage-line is-exact is-conditional">
                <path class="lineage-stroke" d="M2 10h52" />
                <path class="lineage-sign" d="M28 1l9 9l-9 9l-9 -9z" />
                <text class="lineage-sign-text" x="28" y="14" text-anchor="middle">
                  ?
                </text>
              </g>
            </svg>
            Only under a condition
          </li>
        )}
        {strokes.some(({ isUnreachable }) => isUnreachable) && (
          <li>
            <svg width="56" height="14" viewBox="0 0 56 14" aria-hidden="true">
              <g class="lineage-line is-unreachable">
                <path class="lineage-stroke" d="M2 7h52" />
                <path class="lineage-cross" d="M23 2l10 10m0 -10l-10 10" />
              </g>
            </svg>
            Where a reload never comes
          </li>
        )}
        {MARKS.filter((one) => strokes.some(({ mark }) => mark === one)).map((mark) => (
          <li key={mark}>
            <svg width="56" height="14" viewBox="0 0 56 14" aria-hidden="true">
              <g class="lineage-line is-exact">
                <path class="lineage-stroke" d="M2 7h42" />
                <MarkShape mark={mark} x={54} y={7} />
              </g>
            </svg>
            {MARK_WORDS[mark]}
          </li>
        ))}
      </ul>
    </details>
  );
};

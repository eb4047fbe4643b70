import { MarkShape } from './drawing.tsx';
import { CONFIDENCE_WORDS, CONFIDENCES, MARK_WORDS, type Mark } from './strokes.ts';

const MARKS = Object.keys(MARK_WORDS) as readonly Mark[];

/** What strokes and marks say: nothing is told by colour alone. */
export const Legend = () => (
  <details class="lineage-legend">
    <summary>What the lines mean</summary>
    <ul>
      {CONFIDENCES.map((confidence) => (
        <li key={confidence}>
          <svg width="56" height="14" viewBox="0 0 56 14" aria-hidden="true">
            <g class={`lineage-line is-${confidence}`}>
              <path class="lineage-stroke" d="M2 7h52" />
            </g>
          </svg>
          {CONFIDENCE_WORDS[confidence]}
        </li>
      ))}
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
      {MARKS.map((mark) => (
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

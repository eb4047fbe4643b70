import type { ScopeOutcome } from '#catalog/api/contract.ts';
import { Marked } from './text.tsx';

/** What a scope lacks, why, and the rule or port that would give it. */
export const MissingList = ({ missing: list }: { missing: ScopeOutcome['missing'] }) =>
  list.length === 0 ? null : (
    <ul class="scope-note warn" aria-label="What is missing">
      {list.map((missing, index) => (
        <li key={`${index} ${missing.code}`}>
          <p>
            <strong>Missing: {missing.what}.</strong> <Marked text={missing.message} />{' '}
            <code class="code">{missing.code}</code>
          </p>
          <p>
            <strong>What to do:</strong> <Marked text={missing.advice} />
          </p>
        </li>
      ))}
    </ul>
  );

import { expect, test } from 'vitest';
import type { Reply } from '#agent/lineage/process/messages.ts';
import { noLineage } from '#agent/lineage/process/nothing.ts';
import { ScriptWork } from '#agent/lineage/process/script-work.ts';

test('a script that takes long is not read once more for each thing that it asks: what is understood of it is told', async () => {
  let nowMs = 0;
  const replies: Reply[] = [];
  const work = new ScriptWork(
    (reply) => replies.push(reply),
    () => 1,
    (_, known) => {
      nowMs += 5_000;
      known.surroundings.include?.(`a${nowMs}.qvs`);
      return Promise.resolve({ lineage: noLineage('', ''), sqlMs: 0 });
    },
    () => nowMs,
  );
  await work.take({ type: 'script', id: 1, question: { text: '', model: undefined, variables: new Map() } });
  expect(replies.map(({ type }) => type)).toEqual(['ask']);
  await work.take({ type: 'told', id: 1, found: [] });
  expect(replies.map(({ type }) => type)).toEqual(['ask', 'answer']);
});

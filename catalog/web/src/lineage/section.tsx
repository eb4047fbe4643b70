import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Asset, Lineage } from '#catalog/api/contract.ts';
import { announce } from '../announce.tsx';
import { call, withQuery } from '../api.ts';
import { number } from '../format.ts';
import { useLoad } from '../load.ts';
import { useAction } from '../parts/controls.tsx';
import { ErrorPanel, Loading } from '../parts/panels.tsx';
import { BuildLineage } from './build.tsx';
import { BoxDetails, LineageList, LineDetails } from './details.tsx';
import { drawn } from './drawing.tsx';
import { layOut } from './layout.ts';
import { Legend } from './legend.tsx';
import { impactLink } from './links.ts';
import { begin, type Direction, extend, type Known, pictureOf } from './model.ts';
import { LineagePicture } from './picture.tsx';
import { CONFIDENCES } from './strokes.ts';
import { boxName } from './words.ts';

const KINDS: ReadonlySet<Asset['kind']> = new Set([
  ...(['app', 'dataset', 'column', 'table', 'field', 'sheet', 'chart', 'chartDimension', 'chartMeasure'] as const),
  ...(['masterDimension', 'masterMeasure', 'masterVisualization', 'variable'] as const),
]);

export const hasLineage = ({ kind }: Asset): boolean => KINDS.has(kind);

const DEPTHS = [1, 2, 3, 5, 10, 30] as const;
const NODES = 1_000;
const NODES_INSIDE = 800;
const NEIGHBOURS = 50;
/** Members of one box whose neighbours are asked for at a time. */
const ROWS_AT_ONCE = 10;

/** Everything that was read of the lineage around an asset, and how more of it is read. */
const useKnown = (asset: Asset, depth: number, confidence: string) => {
  const path = withQuery('/api/v1/lineage', { key: asset.key, depth, confidence, limit: NODES, breadth: NEIGHBOURS });
  const { data, problem, reload } = useLoad<Lineage>(
    path,
    (change) => change.name === 'assets' && change.connection === asset.connection,
  );
  const [state, setState] = useState<{ of: string; known: Known; opened: ReadonlyMap<string, boolean> }>();
  useEffect(() => {
    if (data) setState((old) => ({ of: path, known: begin(data), opened: old?.opened ?? new Map() }));
  }, [data]);
  const action = useAction();
  const read = async (asked: Direction | 'inside', keys: readonly string[]): Promise<void> => {
    await action.run(async () => {
      for (const key of keys) {
        const after = state?.known.more.get(JSON.stringify([key, asked]))?.next;
        const found = await call<Lineage>(
          'GET',
          withQuery('/api/v1/lineage', {
            ...{ key, confidence, after, breadth: NEIGHBOURS },
            ...(asked === 'inside'
              ? { level: 'column', depth: 1, limit: NODES_INSIDE }
              : { level: state?.known.level, depth: 1, direction: asked, limit: NODES }),
          }),
        );
        setState((old) => old && { ...old, known: extend(old.known, found, asked) });
      }
    });
  };
  const open = (key: string, isOpen: boolean): void =>
    setState((old) => old && { ...old, opened: new Map([...old.opened, [key, isOpen]]) });
  return { state, problem: problem ?? action.problem, busy: action.busy, reload, read, open };
};

/** Where an asset comes from and what depends on it, as a picture that opens to columns, and as a list. */
export const LineageSection = ({ asset }: { asset: Asset }) => {
  const [depth, setDepth] = useState(3);
  const [confidence, setConfidence] = useState('');
  const [asList, setAsList] = useState(false);
  const [selected, setSelected] = useState<string>();
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const { state, problem, busy, reload, read, open } = useKnown(asset, depth, confidence);
  const laid = useMemo(() => state && layOut(pictureOf(state.known, state.opened), unfolded), [state, unfolded]);
  const words = useMemo(
    () => (laid === undefined ? [] : drawn(laid).map(({ line, label }) => ({ line, text: label }))),
    [laid],
  );

  const nameOf = (key: string): string =>
    state?.known.nodes.get(key)?.name ?? state?.known.groups.get(key)?.name ?? key;
  const boxAt = (key: string) => laid?.boxes.find((box) => box.key === key);
  const toggle = (key: string): void => {
    const box = boxAt(key);
    if (!box || !state) return;
    const isRead = [...state.known.nodes.values()].some(({ group }) => group === key);
    open(key, !box.isOpen);
    if (!box.isOpen && !isRead) void read('inside', [key]);
    announce(`${boxName(box)} ${box.isOpen ? 'closed' : 'opened'}.`, true);
  };
  const more = (key: string, direction: Direction): void => {
    const rows = boxAt(key)?.rows ?? [];
    const keys = [key, ...rows.map((row) => row.key)].filter((one) =>
      state?.known.more.has(JSON.stringify([one, direction])),
    );
    const inBox = [...(state?.known.nodes.values() ?? [])].filter(({ group }) => group === key).map((node) => node.key);
    const all = keys.length > 0 ? keys : inBox.filter((one) => state?.known.more.has(JSON.stringify([one, direction])));
    void read(direction, all.slice(0, ROWS_AT_ONCE));
  };
  const line = laid?.lines.find(({ id }) => id === selected);
  const box = selected === undefined ? undefined : boxAt(selected);
  const around = (key: string, end: 'from' | 'to') =>
    words
      .filter((one) => one.line[end].box === key && one.line.from.box !== one.line.to.box)
      .map(({ line: { id }, text }) => ({ id, text }));
  const isEmpty = state !== undefined && state.known.edges.size === 0 && state.known.more.size === 0;
  const focusBox = state && (state.known.nodes.get(state.known.focus)?.group ?? state.known.focus);

  return (
    <section aria-labelledby="lineage" class="lineage">
      <div class="lineage-head">
        <h2 id="lineage">Lineage</h2>
        {state && !isEmpty && (
          <>
            <fieldset class="chips">
              <legend class="unseen">Shown as</legend>
              <button type="button" aria-pressed={!asList} onClick={() => setAsList(false)}>
                Picture
              </button>
              <button type="button" aria-pressed={asList} onClick={() => setAsList(true)}>
                List
              </button>
            </fieldset>
            <label class="lineage-choice">
              <span>Steps</span>
              <select value={String(depth)} onChange={(event) => setDepth(Number(event.currentTarget.value))}>
                {DEPTHS.map((one) => (
                  <option key={one} value={String(one)}>
                    {one === 30 ? 'all' : one}
                  </option>
                ))}
              </select>
            </label>
            <label class="lineage-choice">
              <span>At least</span>
              <select value={confidence} onChange={(event) => setConfidence(event.currentTarget.value)}>
                <option value="">any confidence</option>
                {CONFIDENCES.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            </label>
          </>
        )}
        {asset.kind === 'app' && <BuildLineage app={asset} />}
        <span class="lineage-links">
          <a href={impactLink(asset.key, 'down')}>What depends on it</a>
          <a href={impactLink(asset.key, 'up')}>Where it comes from</a>
        </span>
      </div>
      {problem && <ErrorPanel error={problem} title="The lineage could not be read" onRetry={() => void reload()} />}
      {state === undefined || laid === undefined || focusBox === undefined ? (
        problem === undefined && <Loading what="the lineage" />
      ) : isEmpty ? (
        <p class="quiet">
          {confidence === ''
            ? 'Nothing is known of where it comes from or what depends on it.'
            : 'Nothing is known of it that is as sure as that.'}
          {confidence !== '' && (
            <>
              {' '}
              <button type="button" class="small" onClick={() => setConfidence('')}>
                Show any confidence
              </button>
            </>
          )}
        </p>
      ) : (
        <>
          {asList ? (
            <LineageList
              lines={words.map(({ line: { id }, text }) => ({ id, text }))}
              boxes={laid.boxes}
              onLine={setSelected}
            />
          ) : (
            <LineagePicture
              laid={laid}
              focus={focusBox}
              asked={state.of}
              selected={selected}
              actions={{ onBox: setSelected, onLine: setSelected, onToggle: toggle, onMore: more }}
            />
          )}
          <div class="lineage-foot">
            <p class="quiet" role="status">
              {number(state.known.boxes.size)} {state.known.boxes.size === 1 ? 'box' : 'boxes'},{' '}
              {number(laid.lines.length)} {laid.lines.length === 1 ? 'line' : 'lines'}
              {[...state.known.more.values()].some(({ direction }) => direction !== 'inside') &&
                '; a number at a box counts what is not shown'}
              {state.known.edgesCut && '; there are too many lines to draw all'}
              {busy && '; reading more…'}
            </p>
            {unfolded.size > 0 && (
              <button type="button" class="small" onClick={() => setUnfolded(new Set())}>
                Fold again
              </button>
            )}
          </div>
          {!asList && <Legend lines={laid.lines} />}
          {line && (
            <LineDetails
              key={line.id}
              line={line}
              label={words.find((one) => one.line.id === line.id)?.text ?? ''}
              nameOf={nameOf}
              onClose={() => setSelected(undefined)}
            />
          )}
          {box && (
            <BoxDetails
              key={box.key}
              box={box}
              into={around(box.key, 'to')}
              out={around(box.key, 'from')}
              nameOf={nameOf}
              actions={{
                onToggle: () => toggle(box.key),
                onMore: (direction) => more(box.key, direction),
                onInside: () => void read('inside', [box.key]),
                onUnfold: () => setUnfolded(new Set([...unfolded, box.key])),
                onLine: setSelected,
                onClose: () => setSelected(undefined),
              }}
            />
          )}
        </>
      )}
    </section>
  );
};

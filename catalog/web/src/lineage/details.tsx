import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LineageLine } from '#catalog/api/contract.ts';
import { number } from '../format.ts';
import { assetLink, kindName, kindPlural } from '../kinds.ts';
import { AssetName, Name } from '../parts/text.tsx';
import { EdgeDetail } from './edge-detail.tsx';
import { impactLink } from './links.ts';
import type { Box, Direction, Line } from './model.ts';
import { strokeWords } from './strokes.ts';
import { boxName, kindWord, placeWord } from './words.ts';

const SHOWN = 20;

/** What was chosen in the picture, with the focus on its heading. */
const Panel = ({
  title,
  onClose,
  children,
}: {
  title: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
}) => {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <section class="lineage-details card" aria-label="Details">
      <header>
        <h3 ref={heading} tabIndex={-1}>
          {title}
        </h3>
        <button type="button" class="small" onClick={onClose}>
          Close<span class="unseen"> the details</span>
        </button>
      </header>
      {children}
    </section>
  );
};

/** Edges that one line stands for; one of them is shown whole. */
export const LineDetails = ({
  line,
  label,
  nameOf,
  onClose,
}: {
  line: Line;
  label: string;
  nameOf: (key: string) => string;
  onClose: () => void;
}) => {
  const real = line.edges.filter(({ kind }) => kind !== 'contains');
  const [chosen, setChosen] = useState(0);
  const [whole, setWhole] = useState(false);
  const edge: LineageLine | undefined = real[chosen] ?? real[0];
  return (
    <Panel title={<Name text={label} limit={200} />} onClose={onClose}>
      {real.length > 1 && (
        <>
          <p class="quiet">{number(real.length)} edges lie in this line.</p>
          <ul class="lineage-choices">
            {(whole ? real : real.slice(0, SHOWN)).map((one, index) => (
              <li key={`${one.kind} ${one.from} ${one.to}`}>
                <button type="button" class="plain" aria-pressed={index === chosen} onClick={() => setChosen(index)}>
                  {nameOf(one.upstream)} → {nameOf(one.downstream)}
                </button>{' '}
                <span class="quiet">{strokeWords({ edges: [one] })}</span>
              </li>
            ))}
          </ul>
          {real.length > SHOWN && (
            <button type="button" class="plain" aria-expanded={whole} onClick={() => setWhole(!whole)}>
              {whole ? 'Show fewer' : `Show all ${number(real.length)}`}
            </button>
          )}
        </>
      )}
      {edge === undefined ? (
        <p>The one lies in the other.</p>
      ) : (
        <EdgeDetail key={`${edge.kind} ${edge.from} ${edge.to}`} edge={edge} nameOf={nameOf} />
      )}
    </Panel>
  );
};

const Lines = ({
  title,
  lines,
  onLine,
}: {
  title: string;
  lines: readonly { id: string; text: string }[];
  onLine: (id: string) => void;
}) => {
  const [whole, setWhole] = useState(false);
  if (lines.length === 0) return null;
  return (
    <div>
      <h4>
        {title} <span class="count">{number(lines.length)}</span>
      </h4>
      <ul class="lineage-choices">
        {(whole ? lines : lines.slice(0, SHOWN)).map(({ id, text }) => (
          <li key={id}>
            <button type="button" class="plain" onClick={() => onLine(id)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
      {lines.length > SHOWN && (
        <button type="button" class="plain" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'Show fewer' : `Show all ${number(lines.length)}`}
          <span class="unseen"> {title}</span>
        </button>
      )}
    </div>
  );
};

/** A box: what it is, what can be done with it, and the lines that end at it. */
export const BoxDetails = ({
  box,
  into,
  out,
  nameOf,
  actions: { onToggle, onMore, onInside, onUnfold, onLine, onClose },
}: {
  box: Box;
  into: readonly { id: string; text: string }[];
  out: readonly { id: string; text: string }[];
  nameOf: (key: string) => string;
  actions: {
    readonly onToggle: () => void;
    readonly onMore: (direction: Direction) => void;
    readonly onInside: () => void;
    readonly onUnfold: () => void;
    readonly onLine: (id: string) => void;
    readonly onClose: () => void;
  };
}) => {
  const inside = box.kind === 'app' ? 'fields' : box.kind === 'dataset' || box.kind === null ? 'columns' : 'parts';
  return (
    <Panel
      title={
        <>
          <span class="kind">{kindWord(box)}</span> <Name text={boxName(box)} limit={120} />
          {placeWord(box) !== '' && (
            <span class="quiet">
              {' '}
              in <Name text={placeWord(box)} limit={120} />
            </span>
          )}
        </>
      }
      onClose={onClose}
    >
      {!box.isAsset && box.folded.length === 0 && (
        <p class="quiet">
          No crawl brought it as an asset: it is known only from what reads or writes it, and has no page. Its name is{' '}
          <code class="key">
            <bdi>{box.key}</bdi>
          </code>
        </p>
      )}
      <div class="actions">
        {box.isAsset && (
          <>
            <a class="button" href={assetLink(box.key)}>
              Open its page
            </a>
            <a class="button" href={impactLink(box.key, 'down')}>
              What depends on it
            </a>
          </>
        )}
        {box.opens && (
          <button type="button" onClick={onToggle}>
            {box.isOpen ? `Close the ${inside}` : `Open the ${inside}`}
          </button>
        )}
        {box.isOpen && box.moreInside > 0 && (
          <button type="button" onClick={onInside}>
            Show more {inside}
          </button>
        )}
        {box.more.up > 0 && (
          <button type="button" onClick={() => onMore('up')}>
            Show more upstream
          </button>
        )}
        {box.more.down > 0 && (
          <button type="button" onClick={() => onMore('down')}>
            Show more downstream
          </button>
        )}
        {box.folded.length > 0 && (
          <button type="button" onClick={onUnfold}>
            Draw each of them
          </button>
        )}
      </div>
      {box.folded.length > 0 && (
        <ul class="lineage-folded">
          {box.folded.slice(0, 300).map((key) => (
            <li key={key}>
              <a href={assetLink(key)}>
                <AssetName name={nameOf(key)} assetKey={key} />
              </a>
            </li>
          ))}
          {box.folded.length > 300 && <li class="quiet">and {number(box.folded.length - 300)} more</li>}
        </ul>
      )}
      <div class="lineage-ways">
        <Lines title="Comes from" lines={into} onLine={onLine} />
        <Lines title="Feeds" lines={out} onLine={onLine} />
      </div>
      {box.rows.length > 0 && (
        <details>
          <summary>
            {number(box.rows.length)} {inside} that are shown
          </summary>
          <ul class="lineage-folded">
            {box.rows.map((row) => (
              <li key={row.key}>
                {row.kind === null ? (
                  <Name text={row.name} />
                ) : (
                  <a href={assetLink(row.key)} title={row.kind === 'column' ? '' : kindName(row.kind)}>
                    <AssetName name={row.name} assetKey={row.key} />
                  </a>
                )}
              </li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
};

/** What is drawn, in words: for screen readers, and for whoever likes lists better. */
export const LineageList = ({
  lines,
  onLine,
  boxes,
}: {
  lines: readonly { id: string; text: string }[];
  boxes: readonly Box[];
  onLine: (id: string) => void;
}) => {
  const kinds = new Map<Box['kind'], Box[]>();
  for (const box of boxes) kinds.set(box.kind, [...(kinds.get(box.kind) ?? []), box]);
  return (
    <div class="lineage-list card">
      <Lines title="From what to what" lines={lines} onLine={onLine} />
      {[...kinds].map(([kind, list]) => (
        <div key={kind}>
          <h4>
            {kind === null ? 'Not crawled' : kindPlural(kind)} <span class="count">{number(list.length)}</span>
          </h4>
          <ul class="lineage-folded">
            {list.map((box) => (
              <li key={box.key}>
                {box.isAsset ? (
                  <a href={assetLink(box.key)}>
                    <AssetName name={box.name} assetKey={box.key} />
                  </a>
                ) : (
                  <Name text={boxName(box)} />
                )}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
};

import type { TargetedKeyboardEvent, TargetedPointerEvent } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { BoxShape, type DrawnLine, drawn, LineShape } from './drawing.tsx';
import type { Laid } from './layout.ts';
import type { Box, Direction } from './model.ts';

const SMALLEST = 0.15;
const LARGEST = 2;
/** Smaller than this nobody reads: rather a picture that scrolls. */
const READABLE = 0.8;
const STEP = 1.25;

const bounded = (zoom: number): number => Math.min(LARGEST, Math.max(SMALLEST, zoom));

/** The boxes to which the arrow keys lead from one: along a line, or to its neighbour in the layer. */
const nextBox = (laid: Laid, key: string, arrow: string): string | undefined => {
  if (arrow === 'ArrowUp' || arrow === 'ArrowDown') {
    const layer = laid.layers.find((list) => list.includes(key)) ?? [];
    return layer[layer.indexOf(key) + (arrow === 'ArrowUp' ? -1 : 1)];
  }
  const y = laid.places.get(key)?.y ?? 0;
  const others = laid.lines.flatMap(({ from, to }) =>
    arrow === 'ArrowLeft' && to.box === key ? [from.box] : arrow === 'ArrowRight' && from.box === key ? [to.box] : [],
  );
  const away = (other: string): number => Math.abs((laid.places.get(other)?.y ?? 0) - y);
  return others.filter((other) => other !== key).sort((a, b) => away(a) - away(b))[0];
};

/** What a person does in the picture. */
export interface PictureActions {
  readonly onBox: (key: string) => void;
  readonly onLine: (id: string) => void;
  readonly onToggle: (key: string) => void;
  readonly onMore: (key: string, direction: Direction) => void;
}

/**
 * The picture itself: boxes in layers from the origins on, lines between them. It scrolls, is dragged, and grows and shrinks
 * by its buttons, by + and -, or by the wheel with Ctrl. One box is in the tab order; arrow keys lead from box to box.
 */
export const LineagePicture = ({
  laid,
  focus,
  asked,
  selected,
  actions,
}: {
  laid: Laid;
  /** Key of the box to begin at. */
  focus: string;
  /** What was asked for: of another question the picture begins anew. */
  asked: string;
  /** Key of a box, or id of a line. */
  selected: string | undefined;
  actions: PictureActions;
}) => {
  const canvas = useRef<HTMLElement>(null);
  const [zoom, setZoom] = useState<number>();
  const [stop, setStop] = useState(focus);
  const at = laid.places.has(stop) ? stop : laid.places.has(focus) ? focus : (laid.layers[0]?.[0] ?? '');
  const scale = zoom ?? 1;
  const lines = useMemo(() => drawn(laid), [laid]);

  const fitting = (): number => bounded(Math.min(1, ((canvas.current?.clientWidth ?? 0) - 4) / laid.width));
  const centre = (key: string, by: number): void => {
    const place = laid.places.get(key);
    const box = canvas.current;
    if (!place || !box) return;
    box.scrollLeft = (place.x + place.width / 2) * by - box.clientWidth / 2;
    box.scrollTop = (place.y + place.height / 2) * by - box.clientHeight / 2;
  };
  const before = useRef<{ key: string; x: number; y: number }>(undefined);
  useLayoutEffect(() => {
    // What was added moves everything: the box that somebody is at stays where they see it.
    const place = laid.places.get(at);
    const last = before.current;
    before.current = place && { key: at, x: place.x, y: place.y };
    const box = canvas.current;
    if (!place || !box || last?.key !== at) return;
    box.scrollLeft += (place.x - last.x) * scale;
    box.scrollTop += (place.y - last.y) * scale;
  }, [laid]);
  const known = useRef({ asked: '', zoom: 0 });
  useLayoutEffect(() => {
    // As large as can be read, around what it is about.
    if (known.current.asked === asked) return;
    const fitted = Math.max(READABLE, fitting());
    known.current = { asked, zoom: zoom === fitted ? fitted : 0 };
    setZoom(fitted);
    if (zoom === fitted) centre(focus, fitted);
  }, [asked, laid]);
  useLayoutEffect(() => {
    if (zoom === undefined || known.current.zoom === zoom) return;
    const isFirst = known.current.zoom === 0;
    known.current.zoom = zoom;
    centre(isFirst ? focus : at, zoom);
  }, [zoom]);
  useEffect(() => {
    const box = canvas.current;
    if (!box) return;
    const turn = (event: WheelEvent): void => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      setZoom((old) => bounded((old ?? 1) * (event.deltaY < 0 ? STEP : 1 / STEP)));
    };
    box.addEventListener('wheel', turn, { passive: false });
    return () => box.removeEventListener('wheel', turn);
  }, []);

  const grab = useRef<{ x: number; y: number; left: number; top: number }>(undefined);
  const drag = (event: TargetedPointerEvent<HTMLElement>): void => {
    const from = grab.current;
    if (!from) return;
    event.currentTarget.scrollLeft = from.left - (event.clientX - from.x);
    event.currentTarget.scrollTop = from.top - (event.clientY - from.y);
  };
  const go = (key: string): void => {
    setStop(key);
    const box = [...(canvas.current?.querySelectorAll<SVGGElement>('[data-box]') ?? [])].find(
      (one) => one.dataset['box'] === key,
    );
    box?.focus();
  };
  const press = (event: TargetedKeyboardEvent<SVGGElement>, key: string): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      actions.onBox(key);
    } else if (event.key === '+' || event.key === '-') {
      event.preventDefault();
      setZoom(bounded(scale * (event.key === '+' ? STEP : 1 / STEP)));
    } else if (event.key.startsWith('Arrow')) {
      event.preventDefault();
      const next = nextBox(laid, key, event.key);
      if (next !== undefined) go(next);
    }
  };
  const latest = useRef({ actions, press });
  latest.current = { actions, press };
  const lineShape = ({ line, curve, label }: DrawnLine, isSelected: boolean, isNear: boolean) => (
    <LineShape
      key={line.id}
      {...{ line, curve, label, isSelected, isNear }}
      onSelect={() => latest.current.actions.onLine(line.id)}
    />
  );
  const boxShape = (box: Box, isSelected: boolean, isStop: boolean) => {
    const place = laid.places.get(box.key);
    return (
      place && (
        <BoxShape
          key={box.key}
          {...{ box, place, isSelected, isStop }}
          actions={{
            onSelect: () => {
              setStop(box.key);
              latest.current.actions.onBox(box.key);
            },
            onToggle: () => latest.current.actions.onToggle(box.key),
            onMore: (direction) => latest.current.actions.onMore(box.key, direction),
            onMove: (event) => latest.current.press(event, box.key),
          }}
        />
      )
    );
  };
  // Made once for each layout: of a thousand boxes only those that change are drawn anew.
  const quietLines = useMemo(() => new Map(lines.map((one) => [one.line.id, lineShape(one, false, false)])), [lines]);
  const quietBoxes = useMemo(() => new Map(laid.boxes.map((box) => [box.key, boxShape(box, false, false)])), [laid]);
  return (
    <div class="lineage-picture">
      <section
        ref={canvas}
        class="lineage-canvas"
        aria-label="Picture of the lineage: arrow keys lead from box to box, Enter shows details"
        onPointerDown={(event) => {
          const { target, currentTarget, button, pointerType } = event;
          if (button !== 0 || pointerType !== 'mouse' || (target as Element).closest('[data-box], [data-line]')) return;
          const { scrollLeft: left, scrollTop: top } = currentTarget;
          grab.current = { x: event.clientX, y: event.clientY, left, top };
          currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={drag}
        onPointerUp={() => {
          grab.current = undefined;
        }}
      >
        <svg
          width={Math.ceil(laid.width * scale)}
          height={Math.ceil(laid.height * scale)}
          viewBox={`0 0 ${laid.width} ${laid.height}`}
          aria-label="Lineage, origins on the left"
        >
          {lines.map((one) => {
            const { id, from, to } = one.line;
            const isNear = selected === from.box || selected === to.box;
            return selected === id || isNear ? lineShape(one, selected === id, isNear) : quietLines.get(id);
          })}
          {laid.boxes.map((box) =>
            box.key === selected || box.key === at
              ? boxShape(box, box.key === selected, box.key === at)
              : quietBoxes.get(box.key),
          )}
        </svg>
      </section>
      <div class="lineage-zoom">
        <button type="button" class="small" onClick={() => setZoom(bounded(scale / STEP))}>
          −<span class="unseen"> Smaller</span>
        </button>
        <button type="button" class="small" onClick={() => setZoom(bounded(scale * STEP))}>
          +<span class="unseen"> Larger</span>
        </button>
        <button type="button" class="small" onClick={() => setZoom(fitting())}>
          Fit
        </button>
        <button type="button" class="small" onClick={() => centre(focus, scale)}>
          Centre
        </button>
      </div>
    </div>
  );
};

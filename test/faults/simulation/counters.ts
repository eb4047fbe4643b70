/** How often each fault and each branch really happened: what never happens is a hole in the simulation. */
export class Counters {
  readonly all: Record<string, number> = {};

  /** Told of each count as it happens. */
  onCount: (name: string) => void = () => undefined;

  count(name: string, by = 1): void {
    this.all[name] = (this.all[name] ?? 0) + by;
    this.onCount(name);
  }

  highest(name: string, value: number): void {
    this.all[name] = Math.max(this.all[name] ?? 0, value);
  }

  add(other: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(other))
      if (name.startsWith('highest.')) this.highest(name, value);
      else this.count(name, value);
  }
}

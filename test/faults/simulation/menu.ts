import { CREDIT } from '#protocol/constants.ts';
import { SimulatedDisk } from './disk.ts';
import type { Connection } from './network.ts';
import type { GatewaySlot, Machine, World } from './world.ts';

/** Moments at which a process is taken away: right after one of these was counted. */
export const AGENT_TRAPS = [
  'agent.event.spooled',
  'agent.event.recorded',
  'agent.event.sealed',
  'agent.batch',
  'agent.trim',
  'agent.job.accept',
  'agent.job.finish',
  'agent.remove.closed',
  'agent.job.resume',
  'agent.record',
  'agent.startJob',
  'disk.writing',
  'disk.written',
  'disk.created',
] as const;
export const GATEWAY_TRAPS = [
  'store.batch.stored',
  'store.accept.ok',
  'store.finish.closed',
  'store.published',
  'gateway.ack',
  'gateway.job.offer',
  'gateway.welcome',
  'gateway.job.closed',
] as const;

type Fault = (world: World) => boolean;

const machineOf = (world: World): Machine | undefined =>
  world.random.pick(world.machines.filter(({ process, removed }) => process && !removed));
const connectionOf = (world: World): Connection | undefined =>
  world.random.pick([...world.connections].filter((one) => !one.agentEnded && !one.gatewayEnded));
const gatewayOf = (world: World): GatewaySlot | undefined =>
  world.random.pick(world.gateways.filter(({ process }) => process));

const restartLater = (world: World, machine: Machine): void => {
  world.time.after(world.random.between(10, 30_000), undefined, () => world.startAgent(machine));
};

const cut = (world: World, connection: Connection): void => {
  const { random, time } = world;
  time.after(random.between(0, 50), undefined, () => connection.endAgent(1006));
  time.after(random.between(0, 50), undefined, () => connection.endGateway());
};

const onConnection =
  (act: (world: World, connection: Connection) => void): Fault =>
  (world) => {
    const connection = connectionOf(world);
    if (connection) act(world, connection);
    return connection !== undefined;
  };

const onMachine =
  (act: (world: World, machine: Machine) => void): Fault =>
  (world) => {
    const machine = machineOf(world);
    if (machine) act(world, machine);
    return machine !== undefined;
  };

const onGateway =
  (act: (world: World, slot: GatewaySlot) => void): Fault =>
  (world) => {
    const slot = gatewayOf(world);
    if (slot) act(world, slot);
    return slot !== undefined;
  };

const crashAgent = (world: World, machine: Machine, power: boolean): void => {
  world.crashAgent(machine, power);
  restartLater(world, machine);
};

const crashGateway = (world: World, slot: GatewaySlot, power: boolean): void => {
  world.crashGateway(slot, power);
  world.time.after(world.random.between(10, 20_000), undefined, () => world.startGateway(slot));
};

/** Takes something away at the next moment of this name. */
const trap = (world: World, moment: string, act: () => void): void => {
  const { counters, time } = world;
  const before = counters.onCount;
  let armed = true;
  counters.onCount = (name) => {
    before(name);
    if (!armed || name !== moment) return;
    armed = false;
    time.after(0, undefined, act);
  };
};

const clone = (world: World, machine: Machine, copied: boolean): void => {
  const { random, time } = world;
  const disk = copied ? machine.disk.copy() : new SimulatedDisk(time, random, world.counters);
  if (copied && machine.disk.spoolFiles > 0) {
    world.watch.mayRecut = true;
    world.counters.count('clone.with.attempts');
  }
  world.watch.mayBeStale = true;
  const other = world.addMachine(machine.agentId, `${machine.name}-clone-${world.machines.length}`, disk, true);
  world.startAgent(other);
  time.after(random.between(5_000, 200_000), undefined, () => removeClone(world, other));
};

const removeClone = (world: World, machine: Machine): void => {
  if (machine.removed) return;
  machine.removed = true;
  world.crashAgent(machine, true);
  world.trace(`${machine.name} is taken away`);
};

const flip = (world: World, machine: Machine): void => {
  world.watch.mayRecut = true;
  const where = machine.disk.flip((path) => path.endsWith('.seg') || world.random.chance(0.3));
  if (where !== undefined) {
    world.trace(`${machine.name} has a flipped bit in ${where}`);
    world.counters.count('disk.flipped');
  }
};

/** All that may go wrong, by name. Each says whether there was anything to do it to. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  cut: onConnection(cut),
  oneSidedAgent: onConnection((_world, connection) => connection.endAgent(1006)),
  oneSidedGateway: onConnection((_world, connection) => connection.endGateway()),
  blackHole: onConnection((world, connection) => {
    connection.up.stall();
    connection.down.stall();
    if (world.random.chance(0.5))
      world.time.after(world.random.between(60_000, 200_000), undefined, () => cut(world, connection));
  }),
  halfHole: onConnection((world, connection) => {
    if (world.random.chance(0.5)) connection.up.stall();
    else connection.down.stall();
  }),
  stall: onConnection((world, connection) => {
    const pipe = world.random.chance(0.5) ? connection.up : connection.down;
    pipe.stall();
    world.time.after(world.random.between(500, 40_000), undefined, () => pipe.flow());
  }),
  slowReader: onConnection((world, connection) => {
    connection.up.bytesPerMs = 0.2;
    world.time.after(world.random.between(2_000, 20_000), undefined, () => {
      connection.up.bytesPerMs = CREDIT.streamBytes;
    });
  }),
  agentKill: onMachine((world, machine) => crashAgent(world, machine, false)),
  agentPower: onMachine((world, machine) => crashAgent(world, machine, true)),
  agentTrap: onMachine((world, machine) => {
    const moment = world.random.pick(AGENT_TRAPS) ?? 'agent.batch';
    trap(world, moment, () => {
      if (!machine.process) return;
      world.counters.count(`trap.${moment}`);
      world.trace(`trap at ${moment}`);
      crashAgent(world, machine, world.random.chance(0.8));
    });
  }),
  gatewayTrap: onGateway((world, slot) => {
    const moment = world.random.pick(GATEWAY_TRAPS) ?? 'gateway.ack';
    trap(world, moment, () => {
      if (!slot.process) return;
      world.counters.count(`trap.${moment}`);
      world.trace(`trap at ${moment}`);
      crashGateway(world, slot, world.random.chance(0.3));
    });
  }),
  agentStop: onMachine((world, machine) => {
    const { process } = machine;
    if (!process || machine.isStopping) return;
    machine.isStopping = true;
    const startedMs = world.time.nowMs;
    void process.stop().then(() => {
      if (machine.process !== process) return;
      world.counters.count('agent.stopped');
      world.counters.highest('highest.stop.ms', Math.round(world.time.nowMs - startedMs));
      world.trace(`${process.owner.name} has stopped`);
      world.crashAgent(machine, false);
      restartLater(world, machine);
    });
  }),
  agentPause: onMachine((world, { process }) => {
    if (process) world.time.freeze(process.owner, world.random.between(500, 40_000), false);
  }),
  agentSleep: onMachine((world, { process }) => {
    if (!process) return;
    const forMs = world.random.between(60_000, 200_000);
    world.time.freeze(process.owner, forMs, world.random.chance(0.5));
    // Mostly the program notices that its machine slept.
    if (world.random.chance(0.7)) world.time.after(forMs + 5, process.owner, () => process.dispatch({ type: 'woke' }));
  }),
  agentClockJump: onMachine((world, { process }) => {
    if (process) world.time.jump(process.owner, world.random.between(5_000, 120_000));
  }),
  agentOffline: onMachine((world, machine) => {
    machine.offlineUntilMs = world.time.nowMs + world.random.between(5_000, 120_000);
    for (const connection of world.connections) if (connection.agent === machine.process?.owner) cut(world, connection);
  }),
  gatewayKill: onGateway((world, slot) => crashGateway(world, slot, false)),
  gatewayPower: onGateway((world, slot) => crashGateway(world, slot, true)),
  gatewayPause: onGateway((world, { process }) => {
    if (process) world.time.freeze(process.owner, world.random.between(500, 90_000), false);
  }),
  gatewayDrain: onGateway((world, slot) => {
    const { process } = slot;
    if (!process || process.isRefusing) return;
    const deadlineMs = world.random.int(100, 5_000);
    process.drain(deadlineMs, world.random.int(0, 10_000));
    world.time.after(deadlineMs + 2_000, undefined, () => {
      if (slot.process === process) crashGateway(world, slot, false);
    });
  }),
  diskFull: onMachine((world, { disk }) => {
    disk.fullUntilMs = world.time.nowMs + world.random.between(500, 60_000);
  }),
  diskBusy: onMachine((world, { disk }) => {
    disk.busyUntilMs = world.time.nowMs + world.random.between(100, 6_000);
  }),
  flipLive: onMachine(flip),
  flipDown: onMachine((world, machine) => {
    world.crashAgent(machine, true);
    flip(world, machine);
    restartLater(world, machine);
  }),
  cloneEmpty: onMachine((world, machine) => {
    if (!machine.isClone) clone(world, machine, false);
  }),
  cloneCopied: onMachine((world, machine) => {
    if (!machine.isClone) clone(world, machine, true);
  }),
  cancel: (world) => {
    const jobs = [...world.store.model.tables.jobs.values()].filter((job) =>
      ['queued', 'leased', 'running'].includes(job.state),
    );
    const job = world.random.pick(jobs);
    if (!job) return false;
    world.trace(`cancel of ${job.id}`);
    world.counters.count(`cancel.${job.state}`);
    world.store.model.cancelJob(job.id);
    return true;
  },
  storeSlow: (world) => {
    world.store.slowUntilMs = world.time.nowMs + world.random.between(1_000, 20_000);
    return true;
  },
  storeFailover: (world) => {
    world.store.failOver(world.random.between(100, 20_000), undefined);
    return true;
  },
  storeReplica: (world) => {
    const replica = world.store.model.replica();
    world.time.after(world.random.between(20, 5_000), undefined, () => {
      if (world.isHealed) return;
      world.trace('the store fails over to a replica that lacks the last commits');
      world.watch.forget();
      world.store.failOver(world.random.between(100, 5_000), replica);
    });
    return true;
  },
};

/** These change what may be expected of the whole run: not in every seed. */
const RARE = new Set(['flipLive', 'flipDown', 'cloneEmpty', 'cloneCopied', 'storeReplica', 'storeFailover']);

/** The faults that this seed may have, each with its weight. */
export const menuOf = (world: World): readonly (readonly [string, number])[] =>
  Object.keys(FAULTS).map((name) => {
    const chance = RARE.has(name) ? 0.15 : 0.6;
    return [name, world.random.chance(chance) ? world.random.between(0.2, 1) * (RARE.has(name) ? 0.5 : 1) : 0] as const;
  });

/** One of the menu, by weight. */
export const strike = (world: World, menu: readonly (readonly [string, number])[]): void => {
  let at = world.random.next() * menu.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of menu) {
    at -= weight;
    if (at > 0) continue;
    world.trace(`fault ${name}`);
    if (weight > 0 && FAULTS[name]?.(world)) world.counters.count(`fault.${name}`);
    return;
  }
};

/** The faults are over: clones are gone, processes run, and every connection that does not work is cut. */
export const heal = (world: World): void => {
  world.trace('the faults are over');
  world.isHealed = true;
  world.counters.onCount = () => undefined;
  // An administrator ends the quarantine.
  for (const agent of world.store.model.tables.agents.values()) {
    if (agent.quarantined) world.counters.count('clone.quarantined');
    agent.quarantined = false;
    agent.bootId = undefined;
    agent.boots.clear();
  }
  for (const machine of world.machines) {
    machine.offlineUntilMs = 0;
    machine.disk.fullUntilMs = 0;
    machine.disk.busyUntilMs = 0;
    if (machine.isClone) removeClone(world, machine);
    else if (!machine.isStopping) world.startAgent(machine);
  }
  for (const slot of world.gateways) if (!slot.process?.isRefusing) world.startGateway(slot);
  for (const connection of world.connections) {
    connection.up.bytesPerMs = 1_000;
    connection.up.flow();
    connection.down.flow();
  }
};

// Plans the buffers of a program's computed values by liveness: values that never live at the same
// time share a slot. Sizes may be symbolic, so slots are grouped by leading dimension and a slot's
// size is its leading dimension times its widest row.
import { invariant, present } from '../base/invariant.ts';
import type { Dim, Program, Value } from './program.ts';

/** A piece of scratch memory: `lead` (at the run) times `rowBytes` bytes. */
export interface Slot {
  readonly lead: Dim;
  readonly rowBytes: number;
}

/** Which slot each computed value lives in, by value id. Outputs have slots of their own. */
export interface BufferPlan {
  readonly slots: readonly Slot[];
  readonly slotOf: ReadonlyMap<number, number>;
}

// Ops from a value's first to its last use beyond which it may not sit in a wider slot than it needs:
// residuals that training keeps for the backward pass would hold the feed-forward's slots, 2.7 times as
// wide. A block has about twenty ops.
const longLife = 24;

// Computed values are f32 or i32.
const elementBytes = 4;

function rowBytesOf(value: Value): number {
  return value.shape.slice(1).reduce<number>((product, dim) => {
    invariant(typeof dim === 'number', `${value.name} [${value.shape}]: ${dim} is no first axis`);
    return product * dim;
  }, elementBytes);
}

/** Assigns slots greedily in order of execution, the tightest fitting free one first. */
export function planBuffers(program: Program): BufferPlan {
  const lastUse = new Map<number, number>();
  for (const [index, op] of program.ops.entries()) {
    for (const id of [...op.inputs, ...op.outputs]) lastUse.set(id, index);
  }
  const kept = new Set(program.outputs.values());
  const slots: { lead: Dim; rowBytes: number }[] = [];
  const slotOf = new Map<number, number>();
  const free = new Set<number>();

  const take = (value: Value, index: number): number => {
    const lead = value.shape[0] ?? 1;
    const bytes = rowBytesOf(value);
    const sizeOf = (slot: number): number => present(slots[slot], 'slot').rowBytes;
    const isLong = present(lastUse.get(value.id), 'last use') - index > longLife;
    const candidates = [...free].filter(
      (slot) => slots[slot]?.lead === lead && !(isLong && sizeOf(slot) > bytes),
    );
    if (kept.has(value.id)) candidates.length = 0;
    // A slot that is large enough and tightest; else the largest, which grows least.
    const best = candidates.sort((a, b) => {
      const wasteA = sizeOf(a) >= bytes ? sizeOf(a) - bytes : 2 ** 40 - sizeOf(a);
      const wasteB = sizeOf(b) >= bytes ? sizeOf(b) - bytes : 2 ** 40 - sizeOf(b);
      return wasteA - wasteB;
    })[0];
    if (best === undefined) {
      slots.push({ lead, rowBytes: bytes });
      return slots.length - 1;
    }
    const slot = present(slots[best], 'slot');
    slot.rowBytes = Math.max(slot.rowBytes, bytes);
    free.delete(best);
    return best;
  };

  for (const [index, op] of program.ops.entries()) {
    for (const id of op.outputs) {
      slotOf.set(id, take(present(program.values[id], 'value'), index));
    }
    // Freed after the outputs are placed: an op never writes over its own inputs.
    for (const id of new Set([...op.inputs, ...op.outputs])) {
      const slot = slotOf.get(id);
      if (slot !== undefined && lastUse.get(id) === index && !kept.has(id)) free.add(slot);
    }
  }
  return { slots, slotOf };
}

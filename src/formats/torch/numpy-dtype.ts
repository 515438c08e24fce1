/**
 * NumPy's element types, as NumPy pickles them.
 *
 * A type is a call of `numpy.dtype` with a short name (`f4`), and a state that adds the byte order, the
 * fields of a record and the unit of a time.
 *
 * @see https://numpy.org/doc/stable/reference/arrays.dtypes.html
 * @see https://github.com/numpy/numpy/blob/main/numpy/_core/src/multiarray/descriptor.c (arraydescr_reduce)
 * @module
 */
import { isGlobal, isKind } from '../../pickle/access.js';
import type { DictValue, PickleValue } from '../../pickle/values.js';
import { rawBytes } from './python-bytes.js';

/** An element type of NumPy's. */
export interface NumpyDtype {
  /** Letter of its kind: `f` for floats, `U` for text, `V` for records. */
  readonly kind: string;
  /** Bytes of an element. */
  readonly itemBytes: number;
  /** Whether it is big-endian. */
  readonly bigEndian: boolean;
  /** Bytes that change places between byte orders; 1 where there is no order. */
  readonly swapUnit: number;
  /** Unit of a time and how many of it one step is. */
  readonly unit: TimeUnit | undefined;
  /** Name that NumPy gives it: `<f4`, `|S2`, `<M8[D]`. */
  readonly name: string;
  /** What `str` gives for a record, `[('a', '<i4')]`; the name for anything else. */
  readonly text: string;
  /** Whether its elements are Python objects, or have fields that are. */
  readonly hasObjects: boolean;
}

/** Unit of `datetime64` and `timedelta64`. */
export interface TimeUnit {
  /** `D`, `ns`, …; empty for times without a unit. */
  readonly name: string;
  /** How many of it one step is. */
  readonly count: number;
}

/** Records inside records; NumPy's own manner of printing them is unreadable long before. */
const DEEPEST = 8;

/** Characters of the description of a record; fields that share their types could make it immense. */
const LONGEST_TEXT = 1 << 16;

/** The type that a value describes; undefined for any other value, and for types that are not known here. */
export function numpyDtype(value: PickleValue | undefined, depth = 0): NumpyDtype | undefined {
  if (!isKind(value, 'reduce') || !isGlobal(value.callable, 'numpy', 'dtype') || !isKind(value.args, 'tuple')) {
    return undefined;
  }
  const [code] = value.args.items;
  const [state, ...others] = value.states;
  const parsed = /^([biufcSUVOMm])(\d*)$/.exec(typeof code === 'string' ? code : '');
  if (parsed === null || others.length > 0 || depth > DEEPEST) return undefined;
  const items = isKind(state, 'tuple') ? state.items : [];
  return plainOrRecord({ kind: parsed[1]!, size: Number(parsed[2]) }, items, depth);
}

/** The same type as the machine's own, little-endian. */
export function nativeDtype(dtype: NumpyDtype): NumpyDtype {
  if (!dtype.bigEndian) return dtype;
  const name = `<${dtype.name.slice(1)}`;
  return { ...dtype, bigEndian: false, name, text: name };
}

/** version, byte order, subarray, names, fields, size, alignment, flags, and for times the unit */
function plainOrRecord(
  { kind, size }: { kind: string; size: number },
  [, order, , names, fields, stated, , flags, metadata]: readonly PickleValue[],
  depth: number,
): NumpyDtype | undefined {
  const isStated = 'USV'.includes(kind) && typeof stated === 'number' && stated >= 0;
  const itemBytes = isStated ? stated : kind === 'U' ? 4 * size : size;
  const unit = 'Mm'.includes(kind) ? timeUnit(metadata) : undefined;
  const swapUnit = swapUnitOf(kind, itemBytes);
  const bigEndian = order === '>' && swapUnit > 1;
  const sign = swapUnit === 1 ? '|' : bigEndian ? '>' : '<';
  const length = kind === 'O' ? '' : kind === 'U' ? itemBytes / 4 : itemBytes;
  const name = `${sign}${kind}${length}${unitText(unit)}`;
  const plain = { kind, itemBytes, bigEndian, swapUnit, unit, name, text: name, hasObjects: kind === 'O' };
  if (!isKind(names, 'tuple')) return plain;
  const members = membersOf(names.items, fields, depth);
  if (members === undefined) return undefined;
  const text = recordText(members, itemBytes, typeof flags === 'number' && (flags & ALIGNED) !== 0);
  if (text.length > LONGEST_TEXT) return undefined;
  return { ...plain, text, hasObjects: members.some(({ dtype }) => dtype.hasObjects) };
}

/** Parts of a complex number and characters change their bytes for themselves; bytes and objects have no order. */
function swapUnitOf(kind: string, itemBytes: number): number {
  if (kind === 'c') return itemBytes / 2;
  if (kind === 'U') return 4;
  return 'SVO'.includes(kind) ? 1 : itemBytes;
}

/** The flag of a record that is laid out as C does. */
const ALIGNED = 0x80;

/** A field of a record. */
interface Member {
  readonly name: string;
  /** Another name for people, which NumPy shows before it. */
  readonly title: string | undefined;
  readonly dtype: NumpyDtype;
  readonly offset: number;
  /** Extents of a field that is an array, as Python writes a tuple; nothing for any other field. */
  readonly shape: readonly string[];
  readonly byteLength: number;
}

function membersOf(
  names: readonly PickleValue[],
  fields: PickleValue | undefined,
  depth: number,
): readonly Member[] | undefined {
  if (!isKind(fields, 'dict')) return undefined;
  const members = names.map((name) => (typeof name === 'string' ? memberOf(name, fields, depth) : undefined));
  return members.every((member) => member !== undefined) ? members : undefined;
}

/** (type, offset), and perhaps a title */
function memberOf(name: string, fields: DictValue, depth: number): Member | undefined {
  const field = fields.entries.find(([key]) => key === name)?.[1];
  const [type, offset, label] = isKind(field, 'tuple') ? field.items : [];
  const title = typeof label === 'string' ? label : undefined;
  if (typeof offset !== 'number') return undefined;
  const [inner, extents] = subarrayOf(type);
  const dtype = numpyDtype(inner ?? type, depth + 1);
  if (dtype === undefined) return undefined;
  if (extents === undefined) return { name, title, dtype, offset, shape: [], byteLength: dtype.itemBytes };
  const count = extents.reduce((product, extent) => product * extent, 1);
  const shape = [`(${extents.join(', ')}${extents.length === 1 ? ',' : ''})`];
  return { name, title, dtype, offset, shape, byteLength: count * dtype.itemBytes };
}

/** The element type and the extents of a type that is an array. */
function subarrayOf(type: PickleValue | undefined): [PickleValue | undefined, readonly number[] | undefined] {
  const [state] = isKind(type, 'reduce') ? type.states : [];
  const subarray = isKind(state, 'tuple') ? state.items[2] : undefined;
  const [inner, extents] = isKind(subarray, 'tuple') ? subarray.items : [];
  const numbers = isKind(extents, 'tuple') ? extents.items : [extents];
  const isShape = (items: readonly (PickleValue | undefined)[]): items is number[] =>
    items.every((item) => typeof item === 'number');
  return isShape(numbers) ? [inner, numbers] : [undefined, undefined];
}

/** As NumPy prints a record: short where its fields lie side by side, else with offsets. */
function recordText(members: readonly Member[], itemBytes: number, isAligned: boolean): string {
  let end = 0;
  const isPacked = members.every(({ offset, byteLength }) => {
    const isNext = offset === end;
    end += byteLength;
    return isNext;
  });
  if (isPacked && end === itemBytes && !isAligned) {
    const fields = members.map(({ name, title, dtype, shape }) => {
      const shown = title === undefined ? quoted(name) : `(${quoted(title)}, ${quoted(name)})`;
      return `(${[shown, fieldText(dtype), ...shape].join(', ')})`;
    });
    return `[${fields.join(', ')}]`;
  }
  const names = members.map(({ name }) => quoted(name)).join(', ');
  const formats = members.map(({ dtype, shape }) =>
    shape.length === 0 ? fieldText(dtype) : `(${[fieldText(dtype), ...shape].join(', ')})`,
  );
  const offsets = members.map(({ offset }) => offset).join(', ');
  const layout = `'names': [${names}], 'formats': [${formats.join(', ')}], 'offsets': [${offsets}]${titlesText(members)}`;
  return `{${layout}, 'itemsize': ${itemBytes}${isAligned ? ", 'aligned': True" : ''}}`;
}

/** Titles, where any field has one. */
function titlesText(members: readonly Member[]): string {
  if (members.every(({ title }) => title === undefined)) return '';
  return `, 'titles': [${members.map(({ title }) => (title === undefined ? 'None' : quoted(title))).join(', ')}]`;
}

/** The type of a field: without the sign of no byte order, and `?` for truth values. */
function fieldText({ text }: NumpyDtype): string {
  if (/^[[{]/.test(text)) return text;
  return text === '|b1' ? "'?'" : `'${text.replace('|', '')}'`;
}

/** As Python quotes a string; names with line breaks and the like are not worth more. */
function quoted(text: string): string {
  const inner = text.replace(/\\/g, '\\\\');
  if (text.includes("'") && !text.includes('"')) return `"${inner}"`;
  return `'${inner.replace(/'/g, "\\'")}'`;
}

/** (metadata, (unit, count, numerator, denominator)) */
function timeUnit(metadata: PickleValue | undefined): TimeUnit {
  const [, unit] = isKind(metadata, 'tuple') ? metadata.items : [];
  const [name, count] = isKind(unit, 'tuple') ? unit.items : [];
  const text = new TextDecoder().decode(rawBytes(name));
  return typeof count !== 'number' || text === 'generic' ? { name: '', count: 1 } : { name: text, count };
}

function unitText(unit: TimeUnit | undefined): string {
  if (unit === undefined || unit.name === '') return '';
  return `[${unit.count === 1 ? '' : unit.count}${unit.name}]`;
}

/**
 * What PyTorch calls its element types, in both of its ways.
 *
 * Older types have a storage class of their own (`torch.BFloat16Storage`); newer ones, such as the
 * 8-bit floats, are saved as untyped bytes with the type as a name (`torch.float8_e4m3fn`).
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/storage.py (_dtype_to_storage_type_map)
 * @module
 */
import { type DType, blockLayout } from '../../dtype.js';

/** Storage classes by element type, without their module `torch`. */
const STORAGE_CLASSES = {
  float64: 'DoubleStorage',
  float32: 'FloatStorage',
  float16: 'HalfStorage',
  bfloat16: 'BFloat16Storage',
  int64: 'LongStorage',
  int32: 'IntStorage',
  int16: 'ShortStorage',
  int8: 'CharStorage',
  uint8: 'ByteStorage',
  bool: 'BoolStorage',
  complex128: 'ComplexDoubleStorage',
  complex64: 'ComplexFloatStorage',
  qint8: 'QInt8Storage',
  quint8: 'QUInt8Storage',
  qint32: 'QInt32Storage',
  quint4x2: 'QUInt4x2Storage',
  quint2x4: 'QUInt2x4Storage',
} as const satisfies Partial<Record<DType, string>>;

/** Types that have no storage class of their own. */
const UNTYPED = [
  'float8_e4m3fn',
  'float8_e4m3fnuz',
  'float8_e5m2',
  'float8_e5m2fnuz',
  'float8_e8m0fnu',
  'float4_e2m1fn_x2',
  'complex32',
  'uint16',
  'uint32',
  'uint64',
  'bits8',
  'bits16',
  'bits1x8',
  'bits2x4',
  'bits4x2',
] as const satisfies readonly DType[];

const classes = new Map<string, string>(Object.entries(STORAGE_CLASSES));

const byClass = new Map(Object.entries(STORAGE_CLASSES).map(([dtype, name]) => [name as string, dtype as DType]));

const byName = new Map<string, DType>([...classes.keys(), ...UNTYPED].map((name) => [`torch.${name}`, name as DType]));

/** Modules whose storages differ from those of `torch` only in where they lived when they were saved. */
const STORAGE_CLASS = /^torch(?:\.cuda)?\.(\w+)$/;

const UNTYPED_CLASS = /^torch(?:\.cuda|\.storage)?\._?UntypedStorage$/;

/** What a storage holds: elements of a type, or bytes. */
export type StorageType = DType | 'untyped';

/** What storages of the class `torch.FloatStorage` (or another) hold; undefined for classes that are not known. */
export function storageTypeOf(className: string): StorageType | undefined {
  if (UNTYPED_CLASS.test(className)) return 'untyped';
  const name = STORAGE_CLASS.exec(className)?.[1];
  return name === undefined ? undefined : byClass.get(name);
}

/** Storage class that PyTorch saves a type in, without its module; undefined where it saves untyped bytes. */
export function storageClassOf(dtype: DType): string | undefined {
  return classes.get(dtype);
}

/** The element type called `torch.bfloat16`; undefined for names that are no type, or none that is known here. */
export function dtypeOfName(name: string): DType | undefined {
  return byName.get(name);
}

/** Bytes of an element of a storage: PyTorch counts types of several elements per byte in bytes. */
export function storageItemBytes(type: StorageType): number {
  return type === 'untyped' ? 1 : blockLayout(type).blockBytes;
}

/** Bytes that change places between byte orders: an element, or each half of a complex one. */
export function swapUnit(type: StorageType): number {
  const bytes = storageItemBytes(type);
  return type !== 'untyped' && type.startsWith('complex') ? bytes / 2 : bytes;
}

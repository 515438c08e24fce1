/**
 * Classes and functions that a checkpoint may name: the allow-list behind every verdict.
 *
 * The base is what `torch.load(weights_only=True)` accepts by itself. It is not all that a sound checkpoint
 * holds: NumPy's arrays, other names of the same storages and plain Python values come on top, each group with
 * the reason why naming, calling and filling it cannot run anything. Names are those of Python 3. Nothing is
 * allowed by a pattern, so that a name nobody thought of is never in here.
 *
 * @see https://pytorch.org/docs/stable/generated/torch.serialization.get_safe_globals.html
 * @module
 */

/** Why a group of names may stand in a checkpoint. */
export interface AllowedGroup {
  /** What the names are for. */
  readonly class: 'tensor-machinery' | 'harmless';
  /** The reason, half a sentence. */
  readonly reason: string;
  /** Whether `torch.load(weights_only=True)` accepts them without being told. */
  readonly weightsOnly: boolean;
  /** Names by module, with spaces between them. */
  readonly names: Readonly<Record<string, string>>;
}

const DTYPES =
  'bfloat16 bits16 bits1x8 bits2x4 bits4x2 bits8 bool complex128 complex32 complex64 float16 float32 ' +
  'float4_e2m1fn_x2 float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu int1 int16 int2 ' +
  'int3 int32 int4 int5 int6 int64 int7 int8 qint32 qint8 quint2x4 quint4x2 quint8 uint1 uint16 uint2 uint3 uint32 ' +
  'uint4 uint5 uint6 uint64 uint7 uint8';

const SCHEMES =
  'per_channel_affine per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine per_tensor_symmetric';

const STORAGES =
  'BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage DoubleStorage ' +
  'FloatStorage HalfStorage IntStorage LongStorage ShortStorage';

const QUANTIZED_STORAGES = 'QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage QUInt8Storage';

const SPARSE_TENSORS =
  'BFloat16Tensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor ShortTensor';

const TENSORS = `${SPARSE_TENSORS} BoolTensor`;

/** The allow-list, group by group; no name occurs twice. */
export const ALLOWED_GROUPS: readonly AllowedGroup[] = [
  {
    class: 'tensor-machinery',
    reason: 'puts a tensor together from its storage',
    weightsOnly: true,
    names: {
      'torch._utils':
        '_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage ' +
        '_rebuild_nested_tensor _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor ' +
        '_rebuild_sparse_tensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_wrapper_subclass',
      'torch._tensor': '_rebuild_from_type_v2',
      'torch.nn.parameter': 'Parameter',
      torch: 'Tensor',
    },
  },
  {
    class: 'tensor-machinery',
    reason: 'names the type of a storage or tensor',
    weightsOnly: true,
    names: {
      torch: `${STORAGES} ${QUANTIZED_STORAGES} ${TENSORS}`,
      'torch.cuda': `${STORAGES} ${TENSORS}`,
      'torch.sparse': SPARSE_TENSORS,
      'torch.cuda.sparse': SPARSE_TENSORS,
      'torch.storage': 'TypedStorage UntypedStorage',
    },
  },
  {
    class: 'tensor-machinery',
    reason: 'describes a tensor: its type, shape, device or layout',
    weightsOnly: true,
    names: { torch: `Size device ${DTYPES} ${SCHEMES}`, 'torch.serialization': '_get_layout' },
  },
  {
    class: 'tensor-machinery',
    reason: 'a plain Python value of state dicts',
    weightsOnly: true,
    names: { collections: 'Counter OrderedDict', builtins: 'bytearray complex set', _codecs: 'encode' },
  },
  {
    class: 'tensor-machinery',
    reason: 'close kin of what PyTorch accepts itself',
    weightsOnly: false,
    names: {
      torch: 'UntypedStorage',
      'torch._utils': '_rebuild_xla_tensor',
      'torch.cuda': 'UntypedStorage',
      'torch.distributed.tensor._dtensor_spec': 'TensorMeta',
      'torch.distributed.tensor.placement_types': 'Partial Replicate',
    },
  },
  {
    class: 'tensor-machinery',
    reason: 'part of a tensor spread over devices; PyTorch accepts it once torch.distributed is there',
    weightsOnly: true,
    names: {
      'torch.distributed.tensor': 'DTensor',
      'torch.distributed.tensor._dtensor_spec': 'DTensorSpec',
      'torch.distributed.tensor.placement_types': 'Shard',
    },
  },
  {
    class: 'tensor-machinery',
    reason: 'puts a NumPy array or number together',
    weightsOnly: false,
    names: {
      numpy: 'dtype ndarray',
      'numpy.core.multiarray': '_reconstruct scalar',
      'numpy._core.multiarray': '_reconstruct scalar',
      'numpy.core.numeric': '_frombuffer',
      'numpy._core.numeric': '_frombuffer',
    },
  },
  {
    class: 'tensor-machinery',
    reason: 'marks the type of a list in a TorchScript archive',
    weightsOnly: false,
    names: {
      'torch.jit._pickle':
        'build_boollist build_doublelist build_intlist build_tensor_from_id build_tensorlist restore_type_tag',
    },
  },
  {
    class: 'harmless',
    reason: 'a plain Python value',
    weightsOnly: false,
    names: {
      builtins: 'Ellipsis NotImplemented bool bytes dict float frozenset int list object range slice str tuple',
      collections: 'ChainMap UserDict UserList UserString defaultdict deque',
      datetime: 'date datetime time timedelta timezone',
      decimal: 'Decimal',
      fractions: 'Fraction',
      uuid: 'SafeUUID UUID',
      ipaddress: 'IPv4Address IPv6Address',
    },
  },
  {
    class: 'harmless',
    reason: 'an exception as a value: it is made, not raised',
    weightsOnly: false,
    names: {
      builtins:
        'ArithmeticError AssertionError AttributeError BaseException EOFError Exception FloatingPointError ImportError ' +
        'IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError NotImplementedError OSError ' +
        'OverflowError RuntimeError StopIteration TypeError UnicodeDecodeError UnicodeEncodeError UnicodeError ' +
        'ValueError ZeroDivisionError',
    },
  },
  {
    class: 'harmless',
    reason: 'bytes in memory with a position; Llama 4 holds empty ones beside its weights (other uses: walk-rules.ts)',
    weightsOnly: false,
    names: { _io: 'BytesIO' },
  },
  {
    class: 'harmless',
    reason: 'holds settings as attributes',
    weightsOnly: false,
    names: { argparse: 'Namespace', types: 'SimpleNamespace' },
  },
  {
    class: 'harmless',
    reason: 'a path as a value: nothing is opened',
    weightsOnly: false,
    names: {
      pathlib: 'Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath',
      'pathlib._local': 'Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath',
    },
  },
  {
    class: 'harmless',
    reason: 'makes an object of a class that is named beside it',
    weightsOnly: false,
    names: { copyreg: '__newobj__ __newobj_ex__ _reconstructor' },
  },
  {
    class: 'harmless',
    reason: 'describes the parts of a distributed checkpoint',
    weightsOnly: false,
    names: {
      'torch.distributed.checkpoint.metadata':
        'BytesStorageMetadata ChunkStorageMetadata Metadata MetadataIndex StorageMeta TensorProperties ' +
        'TensorStorageMetadata _MEM_FORMAT_ENCODING',
      'torch.distributed.checkpoint.filesystem': '_StorageInfo',
    },
  },
];

// The public door `corral/tensor`: dtypes and their codecs, the op table, programs.
export { dequantize, dequantizeInto, quantize } from './codecs/codec.ts';
export {
  type DType,
  dtypeNames,
  dtypeOfGguf,
  dtypes,
  fitsBlocks,
  rowBytes,
  tensorBytes,
  type WeightDType,
} from './dtype.ts';
export { fuse, unfuse } from './fuse.ts';
export { type GradientOptions, gradient, gradientName } from './gradient.ts';
export type { GradientCall, GradientRule, HostTensor, Op, ReferenceKernel } from './ops/op.ts';
export { append, appendAll, type OpName, opNames, ops } from './ops.ts';
export { type BufferPlan, planBuffers, type Slot } from './plan.ts';
export {
  type Attributes,
  type Dim,
  type DimSizes,
  type Program,
  ProgramBuilder,
  type ProgramOp,
  prune,
  type SymbolicDim,
  symbolicDims,
  type Value,
} from './program.ts';

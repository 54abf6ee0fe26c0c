// All kernels, compiled once per instruction set under the name that CORRAL_KERNELS gives. One
// translation unit, so that everything but the table has internal linkage.
#include "attention.h"
#include "logits.h"
#include "matmul.h"
#include "rows.h"

namespace {

size_t none(const Call&) { return 0; }

}  // namespace

// In the order of corral::Op.
extern "C" const corral::KernelTable CORRAL_KERNELS = {{
    {embedChunks, none, computeEmbed},
    {matmulChunks, matmulScratch, computeMatmul},
    {takeRowsChunks, none, computeTakeRows},
    {chunksByRow, none, computeAdd},
    {chunksByRow, none, computeSub},
    {chunksByRow, none, computeMul},
    {chunksByRow, none, computeScale},
    {chunksByRow, none, computeSilu},
    {chunksByRow, none, computeSwiglu},
    {chunksByRow, none, computeRmsNorm},
    {chunksByRow, none, computeAddRmsNorm},
    {ropeTableChunks, none, computeRopeTable},
    {chunksByRow, ropeScratch, computeRope},
    {cacheWriteChunks, none, computeCacheWrite},
    {attentionChunks, attentionScratch, computeAttention},
    {chunksByRow, none, computeAdjustLogits},
    {chunksByRow, none, computeTopK},
    {chunksByRow, none, computeLogSumExp},
    {oneChunk, none, computePick},
}};

// All kernels, compiled once per instruction set under the name that CORRAL_KERNELS gives. One
// translation unit, so that everything but the table has internal linkage.
#include "functions.h"
#include "gradients.h"
#include "int8_matmul.h"
#include "lora.h"
#include "losses.h"
#include "optimizer.h"
#include "peak.h"
#include "self_attention_gradient.h"

namespace {

size_t none(const Call&) { return 0; }

}  // namespace

// In the order of corral::Op.
extern "C" const corral::KernelTable CORRAL_KERNELS = {
    {
        {embedChunks, none, computeEmbed},
        {matmulChunks, matmulScratch, computeMatmul},
        {matmulInt8Chunks, matmulInt8Scratch, computeMatmulInt8, matmulInt8Stages,
         matmulInt8Shared},
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
        {chunksByRow, none, computeMaskLogits},
        {chunksByRow, none, computeTopK},
        {chunksByRow, none, computeLogSumExp},
        {oneChunk, none, computePick},
        {matmulTransposedChunks, productScratch, computeMatmulTransposed},
        {outerSumChunks, productScratch, computeOuterSum},
        {outerSumChunks, outerSumIntoScratch, computeOuterSumInto},
        {loraRowNormChunks, loraRowNormScratch, computeLoraRowNorm},
        {chunksByRow, none, computeLoraAdd},
        {chunksByRow, none, computeSiluGradient},
        {chunksByRow, none, computeSwigluGradient},
        {rmsNormGradientChunks, none, computeRmsNormGradient, twoStages, sumRowsShared},
        {chunksByRow, ropeScratch, computeRopeInverse},
        {selfAttentionChunks, selfAttentionScratch, computeSelfAttention},
        {selfAttentionGradientChunks, selfAttentionGradientScratch, computeSelfAttentionGradient,
         twoStages, selfAttentionGradientShared},
        {chunksByRow, none, computeCrossEntropy},
        {chunksByRow, none, computeCrossEntropyGradient},
        {linearCrossEntropyChunks, linearCrossEntropyScratch, computeLinearCrossEntropy},
        {linearCrossEntropyGradientChunks, slopeScratch, computeLinearCrossEntropyGradient,
         slopeStages, slopeShared},
        {chunksByRow, none, computeLogSumExpGradient},
        {chunksOfOutput, none, computePickGradient},
        {sumAllChunks, none, computeDot, twoStages, sumAllShared},
        {sumAllChunks, none, computeSum, twoStages, sumAllShared},
        {sumAllChunks, none, computeMean, twoStages, sumAllShared},
        {sumAllChunks, none, computeSumSquares, twoStages, sumAllShared},
        {sumRowsChunks, none, computeSumRows, twoStages, sumRowsShared},
        {chunksOfOutput, none, computeBroadcast},
        {chunksOfOutput, none, computeSegmentSum},
        {oneChunk, none, computeWhiten},
        {oneChunk, none, computeWhitenGradient},
        {chunksByRow, none, computeExp},
        {inPlaceChunks, none, computeLog},
        {inPlaceChunks, none, computeLogSigmoid},
        {chunksByRow, none, computeSquare},
        {chunksByRow, none, computeSqrt},
        {chunksByRow, none, computeReciprocal},
        {chunksByRow, none, computeClip},
        {inPlaceChunks, none, computeInside},
        {chunksByRow, none, computeFill},
        {chunksByRow, none, computeMinimum},
        {chunksByRow, none, computeMaximum},
        {chunksByRow, none, computeNotAbove},
        {chunksByRow, none, computeNotBelow},
        {dropoutChunks, none, computeDropout},
        {inPlaceChunks, none, computeAccumulate},
        {inPlaceChunks, none, computeZero},
        {inPlaceChunks, none, computeEma},
        {inPlaceChunks, none, computeAdamw},
    },
    panelBytes,
    packPanels,
    spendMultiplyAdds,
    spendInt8Products,
    readMemory,
    panelLayout,
};

// Names of tensors as Hugging Face and Meta write them, beside GGUF's. Knows nothing of shapes.

/** GGUF's name of one tensor kind within a layer, and what others call it. */
interface LayerNames {
  readonly gguf: string;
  readonly huggingFace: string;
  readonly meta: string;
  /** torchtune's own model; its checkpoints for Meta's recipes use Meta's names. */
  readonly torchtune: string;
}

const layerNames: readonly LayerNames[] = [
  {
    gguf: 'attn_norm.weight',
    huggingFace: 'input_layernorm.weight',
    meta: 'attention_norm.weight',
    torchtune: 'sa_norm.scale',
  },
  {
    gguf: 'attn_q.weight',
    huggingFace: 'self_attn.q_proj.weight',
    meta: 'attention.wq.weight',
    torchtune: 'attn.q_proj.weight',
  },
  {
    gguf: 'attn_k.weight',
    huggingFace: 'self_attn.k_proj.weight',
    meta: 'attention.wk.weight',
    torchtune: 'attn.k_proj.weight',
  },
  {
    gguf: 'attn_v.weight',
    huggingFace: 'self_attn.v_proj.weight',
    meta: 'attention.wv.weight',
    torchtune: 'attn.v_proj.weight',
  },
  {
    gguf: 'attn_output.weight',
    huggingFace: 'self_attn.o_proj.weight',
    meta: 'attention.wo.weight',
    torchtune: 'attn.output_proj.weight',
  },
  {
    gguf: 'ffn_norm.weight',
    huggingFace: 'post_attention_layernorm.weight',
    meta: 'ffn_norm.weight',
    torchtune: 'mlp_norm.scale',
  },
  {
    gguf: 'ffn_gate.weight',
    huggingFace: 'mlp.gate_proj.weight',
    meta: 'feed_forward.w1.weight',
    torchtune: 'mlp.w1.weight',
  },
  {
    gguf: 'ffn_up.weight',
    huggingFace: 'mlp.up_proj.weight',
    meta: 'feed_forward.w3.weight',
    torchtune: 'mlp.w3.weight',
  },
  {
    gguf: 'ffn_down.weight',
    huggingFace: 'mlp.down_proj.weight',
    meta: 'feed_forward.w2.weight',
    torchtune: 'mlp.w2.weight',
  },
];

const wholeNames: readonly LayerNames[] = [
  {
    gguf: 'token_embd.weight',
    huggingFace: 'model.embed_tokens.weight',
    meta: 'tok_embeddings.weight',
    torchtune: 'tok_embeddings.weight',
  },
  {
    gguf: 'output_norm.weight',
    huggingFace: 'model.norm.weight',
    meta: 'norm.weight',
    torchtune: 'norm.scale',
  },
  {
    gguf: 'output.weight',
    huggingFace: 'lm_head.weight',
    meta: 'output.weight',
    torchtune: 'output.weight',
  },
];

type Family = 'huggingFace' | 'meta' | 'torchtune';

const layerPrefixes: Readonly<Record<Family, string>> = {
  huggingFace: 'model.layers.',
  meta: 'layers.',
  torchtune: 'layers.',
};

/** GGUF's name of a tensor that `family` calls `name`; undefined when no Llama has such a tensor. */
export function ggufNameOf(name: string, family: Family): string | undefined {
  const whole = wholeNames.find((names) => names[family] === name);
  if (whole !== undefined) return whole.gguf;
  const prefix = layerPrefixes[family];
  const match = /^(0|[1-9]\d{0,3})\.(.+)$/.exec(
    name.startsWith(prefix) ? name.slice(prefix.length) : '',
  );
  const inLayer = match && layerNames.find((names) => names[family] === match[2]);
  return inLayer ? `blk.${match[1]}.${inLayer.gguf}` : undefined;
}

/** What `family` calls the tensor that GGUF calls `name`; undefined for any other. */
export function nameFromGguf(name: string, family: Family): string | undefined {
  const whole = wholeNames.find((names) => names.gguf === name);
  if (whole !== undefined) return whole[family];
  const match = /^blk\.(\d+)\.(.+)$/.exec(name);
  const inLayer = match && layerNames.find((names) => names.gguf === match[2]);
  return inLayer ? `${layerPrefixes[family]}${match[1]}.${inLayer[family]}` : undefined;
}

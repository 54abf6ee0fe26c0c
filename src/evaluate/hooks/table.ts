// The functions that task files may name with `!function`: what a template cannot say. The harness
// keeps them in Python beside the YAML; here they are TypeScript, named TASK.FUNCTION.
import * as agieval from './agieval.ts';
import * as code from './code.ts';
import * as hellaswag from './hellaswag.ts';
import type {
  DocHook,
  FilterHook,
  MetricHook,
  ResultsHook,
  SamplesHook,
  SplitHook,
} from './hook.ts';
import * as local from './local.ts';
import * as math from './math.ts';
import * as truthfulqa from './truthfulqa.ts';
import * as wikitext from './wikitext.ts';
import * as winogrande from './winogrande.ts';

/** Hooks by kind and name. */
export const hooks: {
  readonly split: Readonly<Record<string, SplitHook>>;
  readonly field: Readonly<Record<string, DocHook>>;
  readonly samples: Readonly<Record<string, SamplesHook>>;
  readonly results: Readonly<Record<string, ResultsHook>>;
  readonly filter: Readonly<Record<string, FilterHook>>;
  readonly metric: Readonly<Record<string, MetricHook>>;
} = {
  split: {
    'hellaswag.process_docs': hellaswag.processDocs,
    'hendrycks_math.process_docs': math.processHendrycksDocs,
    'minerva_math.process_docs': math.processMinervaDocs,
    'local.hellaswag': local.hellaswag,
    'local.truthfulqa': local.truthfulqa,
    'local.agieval': local.agieval,
    'local.math': local.math,
    'local.wikitext_pages': local.wikitextPages,
  },
  field: {
    'winogrande.doc_to_text': winogrande.docToText,
    'winogrande.doc_to_target': winogrande.docToTarget,
    'winogrande.doc_to_choice': winogrande.docToChoice,
    'wikitext.detokenize': wikitext.detokenize,
  },
  samples: {},
  results: {
    'truthfulqa.process_results_mc2': truthfulqa.processResults,
    'agieval.process_results_mcqa': agieval.processChoiceResults,
    'agieval.process_results': agieval.processMathResults,
    'hendrycks_math.process_results': math.processHendrycksResults,
    'minerva_math.process_results': math.processMinervaResults,
    'wikitext.process_results': wikitext.processResults,
  },
  filter: {
    'humaneval.build_predictions': code.prependPrompt,
  },
  metric: {
    'code.pass_at_k': code.passAtK,
    'code.pass_at_1': code.passAtOne,
  },
};

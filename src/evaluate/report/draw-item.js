// How one item looks in the report: its values, prompt, choices with their log-probabilities, and what the model
// wrote. Texts enter the page as text only, never as markup.
(() => {
  // `make('p', { class: 'small' }, 'text', node)`: an element with attributes and children.
  function make(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // true, false, or undefined where right and wrong have no meaning
  function isRight(row, model) {
    const value = row.verdictAt < 0 ? undefined : row.item[4][model]?.[2][row.verdictAt];
    return typeof value === 'number' ? value === 1 : undefined;
  }

  function showValue(value) {
    if (value === null || value === undefined) return '–';
    if (typeof value !== 'number') return `${value[0].toFixed(1)} / ${value[1]}`;
    return Number.isInteger(value) ? String(value) : value.toFixed(4);
  }

  // A text with every search word marked.
  function marked(text, query) {
    const words = query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) return [text];
    const pattern = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
    return text
      .split(new RegExp(`(${pattern})`, 'gi'))
      .map((part, index) => (index % 2 === 1 ? make('mark', {}, part) : part));
  }

  function drawDetail(row, models, query) {
    const { task, item, verdictAt } = row;
    const [docId, target, contexts, continuations, answers] = item;
    const cut = Math.max(...answers.map((answer) => answer?.[4] ?? 0));
    const nodes = [make('h3', {}, `${task.alias} ${docId}`)];
    if (cut > 0)
      nodes.push(
        make(
          'p',
          { class: 'warning' },
          `${cut} tokens were cut off on the left: the prompt was longer than the context.`,
        ),
      );
    nodes.push(drawValues(row, models, verdictAt), make('h4', {}, 'Prompt'));
    if (task.prefix !== '') {
      const length = task.prefix.length.toLocaleString('en-US');
      nodes.push(
        make(
          'details',
          {},
          make('summary', {}, `What every prompt of this task begins with: ${length} characters`),
          make('pre', {}, task.prefix),
        ),
      );
    }
    if (contexts.length === 1)
      nodes.push(make('pre', { class: 'prompt' }, ...marked(contexts[0], query)));
    if (continuations.length > 0)
      nodes.push(make('h4', {}, 'Choices'), drawChoices(row, models, query));
    if (contexts.length > 1 && continuations.length === 0) {
      for (const context of contexts) nodes.push(make('pre', {}, ...marked(context, query)));
    }
    nodes.push(
      make('h4', {}, 'Target'),
      make('pre', {}, ...marked(targetText(target, continuations), query)),
    );
    for (const [model, answer] of answers.entries()) {
      if (answer === null || answer[1].length === 0) continue;
      nodes.push(
        make(
          'h4',
          { class: `s-${model}` },
          models.length > 1 ? `${models[model]} wrote` : 'The model wrote',
        ),
      );
      for (const text of answer[1]) nodes.push(make('pre', {}, ...marked(text, query)));
      const found = task.metrics.map((metric, at) => `${metric}: ${answer[3][at] ?? ''}`);
      nodes.push(make('p', { class: 'small' }, `After filters: ${found.join(' · ')}`));
    }
    return nodes;
  }

  function targetText(target, continuations) {
    const choice = /^\d+$/.test(target) ? continuations[Number(target)] : undefined;
    return choice === undefined ? target : `${target}:${choice}`;
  }

  function drawValues({ task, item }, models) {
    const head = make(
      'tr',
      {},
      make('th', {}, ''),
      ...task.metrics.map((metric) =>
        make('th', { class: 'number' }, metric.replace(',none', '').replace(',', ' · ')),
      ),
    );
    const lines = item[4].flatMap((answer, model) =>
      answer === null
        ? []
        : [
            make(
              'tr',
              { class: `s-${model}` },
              make('th', {}, models[model]),
              ...task.metrics.map((_, at) => {
                const value = answer[2][at];
                const tone = value === 1 ? 'verdict right' : value === 0 ? 'verdict wrong' : '';
                return make(
                  'td',
                  { class: 'number' },
                  make('span', { class: tone }, showValue(value)),
                );
              }),
            ),
          ],
    );
    return make('table', {}, make('thead', {}, head), make('tbody', {}, ...lines));
  }

  // Log-probabilities of the choices, and the shares they come to among each other.
  function drawChoices({ item }, models, query) {
    const [, target, contexts, continuations, answers] = item;
    const known = answers.flatMap((answer, model) =>
      answer === null ? [] : [{ model, logprobs: answer[0] }],
    );
    const head = make(
      'tr',
      {},
      make('th', {}, ''),
      ...known.map(({ model }) =>
        make(
          'th',
          { class: `number s-${model}` },
          models.length > 1 ? models[model] : 'log-probability',
        ),
      ),
    );
    const lines = continuations.map((continuation, at) => {
      const text = contexts.length > 1 ? `${contexts[at]}${continuation}` : continuation;
      const cells = known.map(({ model, logprobs }) => {
        const best = Math.max(...logprobs);
        const sum = logprobs.reduce((total, logprob) => total + Math.exp(logprob - best), 0);
        const share = Math.exp(logprobs[at] - best) / sum;
        const picked = logprobs[at] === best ? 'picked' : '';
        return make(
          'td',
          { class: `number s-${model}` },
          make('span', { class: picked }, logprobs[at].toFixed(3)),
          make('span', { class: 'share' }, `${(share * 100).toFixed(1)} %`),
        );
      });
      const gold = target === String(at) ? { class: 'gold' } : {};
      return make('tr', gold, make('td', { class: 'choice' }, ...marked(text, query)), ...cells);
    });
    return make('table', {}, make('thead', {}, head), make('tbody', {}, ...lines));
  }

  globalThis.corralReport = { make, isRight, showValue, drawDetail };
})();

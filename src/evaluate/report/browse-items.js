// The report's own script: the browser of items, the switch of themes, and groups that fold. The list keeps a
// screenful of rows in the page, however many there are; draw-item.js draws the one that is chosen.
(() => {
  const { make, isRight, showValue, drawDetail } = globalThis.corralReport;
  const rowHeight = 52;
  const element = (id) => document.getElementById(id);

  setUpTheme();
  setUpGroups();
  const browser = document.querySelector('.browser');
  if (browser !== null) setUpItems().catch(showFailure);

  function setUpTheme() {
    const themes = ['auto', 'light', 'dark'];
    // Pages opened from disk may have no storage.
    const stored = () => {
      try {
        return localStorage.getItem('corral-theme') ?? 'auto';
      } catch {
        return 'auto';
      }
    };
    let theme = stored();
    const apply = () => {
      document.documentElement.dataset.theme = theme;
      element('theme').textContent =
        { auto: 'Auto', light: 'Light', dark: 'Dark' }[theme] ?? 'Auto';
    };
    element('theme').addEventListener('click', () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      apply();
      try {
        localStorage.setItem('corral-theme', theme);
      } catch {
        // the choice lasts as long as the page
      }
    });
    apply();
  }

  function setUpGroups() {
    for (const button of document.querySelectorAll('.toggle')) {
      const members = [...document.querySelectorAll('tbody[data-member]')].filter(
        (body) => body.dataset.member === button.dataset.group,
      );
      const fold = (folded) => {
        button.setAttribute('aria-expanded', String(!folded));
        for (const body of members) body.hidden = folded;
      };
      button.addEventListener('click', () => fold(button.getAttribute('aria-expanded') === 'true'));
      fold(members.length > 8);
    }
  }

  function showFailure(error) {
    const words = `The items could not be shown: ${error.message}. A browser of 2023 or later is needed.`;
    browser.before(make('p', { class: 'warning' }, words));
  }

  async function readPacked() {
    const bytes = decodeBase64(element('packed-items').textContent);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return JSON.parse(await new Response(stream).text());
  }

  function decodeBase64(text) {
    if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text);
    const letters = atob(text);
    const bytes = new Uint8Array(letters.length);
    for (let at = 0; at < bytes.length; at++) bytes[at] = letters.charCodeAt(at);
    return bytes;
  }

  async function setUpItems() {
    const { models, tasks } = await readPacked();
    const rows = tasks.flatMap((task) => {
      const verdictAt = task.metrics.findIndex((_, at) =>
        task.items.every(([, , , , answers]) =>
          answers.every((answer) => answer === null || answer[2][at] === 0 || answer[2][at] === 1),
        ),
      );
      return task.items.map((item) => ({ task, item, verdictAt, haystack: undefined }));
    });
    browser.hidden = false;

    const list = element('list');
    const spacer = list.querySelector('.spacer');
    const query = element('query');
    let shown = rows;
    let selected = 0;

    fillSelect('task', [
      ['', `All tasks (${tasks.length})`],
      ...tasks.map(({ name, alias, items }) => [name, `${alias} (${items.length})`]),
    ]);
    fillSelect('verdict', verdictChoices(models));

    query.addEventListener('input', () => filter());
    element('task').addEventListener('change', () => filter());
    element('verdict').addEventListener('change', () => filter());
    document
      .querySelector('.filters')
      .addEventListener('submit', (event) => event.preventDefault());
    list.addEventListener('scroll', () => drawRows(), { passive: true });
    list.addEventListener('keydown', onListKey);
    list.addEventListener('click', (event) => {
      const row = event.target.closest('.row');
      if (row !== null) select(Number(row.dataset.index));
    });
    query.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' || event.key === 'Enter') list.focus();
    });
    document.addEventListener('keydown', (event) => {
      const typing = event.target.closest('input, select') !== null;
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      query.focus();
    });
    new ResizeObserver(() => drawRows()).observe(list);
    filter(indexFromAddress());
    indexWhenIdle();

    // Lower-case texts to search in, made in idle moments so that the first search finds them ready.
    function indexWhenIdle(from = 0) {
      const later = globalThis.requestIdleCallback ?? ((run) => setTimeout(run, 20));
      later(() => {
        const end = Math.min(from + 1000, rows.length);
        for (let at = from; at < end; at++) haystackOf(rows[at]);
        if (end < rows.length) indexWhenIdle(end);
      });
    }

    function filter(index = 0) {
      const words = query.value
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word !== '');
      const task = element('task').value;
      const verdict = element('verdict').value;
      shown = rows.filter((row) => {
        if (task !== '' && row.task.name !== task) return false;
        if (verdict !== '' && !hasVerdict(row, verdict)) return false;
        return words.length === 0 || words.every((word) => haystackOf(row).includes(word));
      });
      const all = rows.length.toLocaleString('en-US');
      const some = shown.length.toLocaleString('en-US');
      element('count').textContent =
        shown.length === rows.length ? `${all} items` : `${some} of ${all}`;
      spacer.style.height = `${shown.length * rowHeight}px`;
      list.scrollTop = 0;
      select(index);
    }

    function select(index) {
      selected = Math.max(0, Math.min(index, shown.length - 1));
      const top = selected * rowHeight;
      if (top < list.scrollTop) list.scrollTop = top;
      const bottom = top + rowHeight - list.clientHeight;
      if (bottom > list.scrollTop) list.scrollTop = bottom;
      drawRows();
      const row = shown[selected];
      element('detail').replaceChildren(
        ...(row === undefined ? ['Nothing matches.'] : drawDetail(row, models, query.value)),
      );
      const prompt = element('detail').querySelector('.prompt');
      if (prompt !== null) prompt.scrollTop = prompt.scrollHeight;
      element('detail').scrollTop = 0;
      rememberAddress(row);
    }

    function onListKey(event) {
      const page = Math.max(1, Math.floor(list.clientHeight / rowHeight) - 1);
      const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page };
      if (event.key in steps) select(selected + steps[event.key]);
      else if (event.key === 'Home') select(0);
      else if (event.key === 'End') select(shown.length - 1);
      else return;
      event.preventDefault();
    }

    function drawRows() {
      const first = Math.max(0, Math.floor(list.scrollTop / rowHeight) - 4);
      const last = Math.min(
        shown.length,
        Math.ceil((list.scrollTop + list.clientHeight) / rowHeight) + 4,
      );
      const drawn = [];
      for (let index = first; index < last; index++) drawn.push(drawRow(shown[index], index));
      list.replaceChildren(spacer, ...drawn);
      if (selected >= first && selected < last)
        list.setAttribute('aria-activedescendant', `row-${selected}`);
      else list.removeAttribute('aria-activedescendant');
    }

    function drawRow(row, index) {
      const [docId, , contexts] = row.item;
      const made = make(
        'div',
        {
          class: 'row',
          id: `row-${index}`,
          role: 'option',
          'data-index': index,
          'aria-selected': index === selected,
          'aria-posinset': index + 1,
          'aria-setsize': shown.length,
        },
        make(
          'div',
          { class: 'row-head' },
          make('span', {}, `${row.task.alias} ${docId}`),
          make('span', {}, ...models.map((_, model) => drawVerdict(row, model))),
        ),
        make('div', { class: 'row-text' }, snippet(contexts[0] ?? '')),
      );
      made.style.top = `${index * rowHeight}px`;
      return made;
    }

    function rememberAddress(row) {
      if (row === undefined || (selected === 0 && location.hash === '')) return;
      const address = `#item/${encodeURIComponent(row.task.name)}/${row.item[0]}`;
      history.replaceState(null, '', address);
    }

    function indexFromAddress() {
      const [, name, docId] = /^#item\/([^/]+)\/(\d+)$/.exec(location.hash) ?? [];
      if (name === undefined) return 0;
      element('items').scrollIntoView();
      const task = decodeURIComponent(name);
      return rows.findIndex((row) => row.task.name === task && row.item[0] === Number(docId));
    }
  }

  function fillSelect(id, options) {
    element(id).replaceChildren(...options.map(([value, text]) => make('option', { value }, text)));
  }

  function verdictChoices(models) {
    const cut = ['cut', 'Prompt was cut'];
    if (models.length === 1)
      return [['', 'All items'], ['right', 'Right'], ['wrong', 'Wrong'], cut];
    return [
      ['', 'All items'],
      ['right', 'All right'],
      ['wrong', 'All wrong'],
      ['differ', 'Models differ'],
      ...models.map((name, index) => [`only ${index}`, `Only ${name} right`]),
      cut,
    ];
  }

  function hasVerdict(row, wanted) {
    if (wanted === 'cut') return row.item[4].some((answer) => (answer?.[4] ?? 0) > 0);
    const verdicts = row.item[4].map((_, model) => isRight(row, model));
    if (wanted === 'right') return verdicts.every((right) => right === true);
    if (wanted === 'wrong') return verdicts.every((right) => right === false);
    if (wanted === 'differ') return verdicts.includes(true) && verdicts.includes(false);
    const only = Number(wanted.slice(5));
    return verdicts.every((right, model) => right === (model === only));
  }

  function haystackOf(row) {
    if (row.haystack === undefined) {
      const [, target, contexts, continuations, answers] = row.item;
      const texts = answers.flatMap((answer) => answer?.[1] ?? []);
      row.haystack = [row.task.alias, target, ...contexts, ...continuations, ...texts]
        .join('\n')
        .toLowerCase();
    }
    return row.haystack;
  }

  // The last paragraph of a prompt is the item's own; examples stand before it.
  function snippet(context) {
    const trimmed = context.trimEnd();
    const start = trimmed.lastIndexOf('\n\n');
    return trimmed.slice(start < 0 ? 0 : start + 2, start + 402).replaceAll(/\s+/g, ' ');
  }

  function drawVerdict(row, model) {
    const right = isRight(row, model);
    if (right !== undefined) {
      const words = right ? 'right' : 'wrong';
      return make(
        'span',
        { class: `verdict ${words}`, title: words, 'aria-label': words },
        right ? '✓' : '✗',
      );
    }
    const answer = row.item[4][model];
    return make('span', { class: 'verdict' }, answer === null ? '' : showValue(answer[2][0]));
  }
})();

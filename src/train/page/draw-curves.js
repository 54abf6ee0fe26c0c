// Draws the curves of a runs page from the numbers embedded in it. Runs in a browser, from a file.
(() => {
  const runs = JSON.parse(document.getElementById('numbers').textContent);
  const smoothing = document.getElementById('smoothing');
  // A canvas knows no light-dark(): colours are taken from elements that have them.
  const label = getComputedStyle(document.querySelector('label'));
  const cell = getComputedStyle(document.querySelector('.facts tbody td'));
  const [ink, grid] = [label.color, cell.borderBottomColor];

  // A running mean that forgets by `weight`, corrected for its start.
  const smooth = (values, weight) => {
    let mean = 0;
    let mass = 0;
    return values.map((value) => {
      mean = weight * mean + (1 - weight) * value;
      mass = weight * mass + (1 - weight);
      return mean / mass;
    });
  };

  const charts = [
    { id: 'loss', x: 'steps', y: 'loss', smooths: true },
    { id: 'heldOut', x: 'evaluationSteps', y: 'evaluationLoss', points: true },
    { id: 'gradientNorm', x: 'steps', y: 'gradientNorm', smooths: true },
    { id: 'learningRate', x: 'steps', y: 'learningRate' },
    { id: 'speed', x: 'steps', y: 'speed', smooths: true },
  ];

  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid } };

  const draw = ({ id, x, y, smooths, points }) => {
    const place = document.getElementById(id);
    const drawn = runs.filter((run) => run[y].length > 0);
    place.parentElement.hidden = drawn.length === 0;
    if (drawn.length === 0) return;
    const weight = smooths ? Number(smoothing.value) : 0;
    const tables = drawn.map((run) => [run[x], smooth(run[y], weight)]);
    const series = drawn.map((run) => ({
      label: run.label,
      stroke: run.colour,
      width: 1.5,
      spanGaps: true,
      points: { show: points === true, size: 5 },
      value: (_, value) => (value == null ? '' : value.toPrecision(5)),
    }));
    place.replaceChildren();
    new uPlot(
      {
        width: place.clientWidth,
        height: 260,
        cursor: { sync: { key: 'runs' } },
        scales: { x: { time: false } },
        axes: [axis, { ...axis, size: 64 }],
        series: [{ label: 'step' }, ...series],
      },
      uPlot.join(tables),
      place,
    );
  };

  const drawAll = () => {
    for (const chart of charts) draw(chart);
  };
  smoothing.addEventListener('input', drawAll);
  addEventListener('resize', drawAll);
  drawAll();
})();

'use strict';
// Draws what GET /events says. Names come from a config and paths from clients: all text goes in as text, never as markup.
(() => {
  const POINTS = 60;
  const SILENCE_MS = 4000;
  const $ = id => document.getElementById(id);
  const SVG = 'http://www.w3.org/2000/svg';

  // ---- small helpers -------------------------------------------------------------------------------------------

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const say = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const dress = (node, className) => { if (node.getAttribute('class') !== className) node.setAttribute('class', className); };
  const show = (node, visible) => { if (node.hidden === visible) node.hidden = !visible; };
  const sum = counts => Object.values(counts).reduce((all, count) => all + count, 0);
  const count = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
  const rate = value => value === null ? '–' : value >= 100 ? count.format(Math.round(value)) : value >= 10 ? value.toFixed(0) : value.toFixed(1);
  const percent = share => share === null ? '–' : share === 1 ? '100 %' : share >= 0.9995 ? '99.9 %' : `${(share * 100).toFixed(1)} %`;
  const span = ms => ms === null ? '–' : ms >= 10000 ? `${(ms / 1000).toFixed(0)} s` : ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
  const clock = time => new Date(time).toLocaleTimeString('en-GB');
  const age = seconds => seconds < 60 ? `${Math.round(seconds)} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
    : seconds < 86400 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`
    : `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
  const levelOfShare = share => share === null || share >= 0.999 ? '' : share >= 0.95 ? 'is-warn' : 'is-bad';

  const cell = (row, column, ...children) => {
    const td = make('td');
    td.setAttribute('role', 'cell');
    td.dataset.column = column;
    td.append(...children);
    row.append(td);
    return td;
  };
  const rowOf = () => { const row = make('tr'); row.setAttribute('role', 'row'); return row; };
  const nameCell = row => {
    const th = make('th', 'name');
    th.setAttribute('role', 'rowheader');
    th.scope = 'row';
    row.append(th);
    return th;
  };

  // ---- sparklines ----------------------------------------------------------------------------------------------

  class Spark {
    constructor(word) {
      this.points = [];
      this.word = word;
      this.svg = document.createElementNS(SVG, 'svg');
      this.svg.setAttribute('class', 'spark');
      this.svg.setAttribute('viewBox', '0 0 100 28');
      this.svg.setAttribute('preserveAspectRatio', 'none');
      this.svg.setAttribute('role', 'img');
      this.area = this.svg.appendChild(document.createElementNS(SVG, 'path'));
      this.area.setAttribute('class', 'area');
      this.line = this.svg.appendChild(document.createElementNS(SVG, 'path'));
    }

    add(value, { lowest = 0, highest = null, bad = false } = {}) {
      this.points.push(value);
      if (this.points.length > POINTS) this.points.shift();
      const known = this.points.filter(point => point !== null);
      const top = highest ?? Math.max(lowest + 1e-9, ...known) * 1.08;
      const x = index => 100 - (this.points.length - 1 - index) * (100 / (POINTS - 1));
      const y = point => 26 - 24 * (point - lowest) / (top - lowest || 1);
      let line = '', area = '', run = [];
      const end = () => {
        if (run.length > 0) {
          const drawn = run.map(([px, py]) => `${px.toFixed(1)} ${py.toFixed(1)}`);
          line += `M${drawn.join('L')}${run.length === 1 ? 'h.1' : ''}`;
          area += `M${run[0][0].toFixed(1)} 27L${drawn.join('L')}L${run[run.length - 1][0].toFixed(1)} 27Z`;
        }
        run = [];
      };
      this.points.forEach((point, index) => point === null ? end() : run.push([x(index), Math.max(1, Math.min(27, y(point)))]));
      end();
      this.line.setAttribute('d', line);
      this.area.setAttribute('d', area);
      dress(this.svg, bad ? 'spark is-bad' : 'spark');
      this.svg.setAttribute('aria-label', known.length === 0 ? `${this.word}: nothing yet` : `${this.word}, the last minute`);
    }
  }

  const withSpark = (number, spark) => { const box = make('div', 'with-spark'); box.append(number, spark.svg); return box; };

  // What was counted between two looks, as a rate. A counter that went back is that of a new process.
  class Meter {
    rate(total, at) {
      const before = this.last;
      this.last = { total, at };
      if (!before || total < before.total || at <= before.at) return null;
      return (total - before.total) / ((at - before.at) / 1000);
    }
  }

  class Load {
    constructor() {
      this.box = make('div', 'load-cell');
      this.text = make('span', 'number');
      this.bar = make('progress', 'load');
      this.bar.setAttribute('aria-label', 'share of the limit in use');
      this.box.append(this.text, this.bar);
    }

    set(used, limit) {
      say(this.text, limit === null ? `${used}` : `${used} / ${count.format(limit)}`);
      dress(this.text, limit !== null && used >= limit ? 'number is-bad' : 'number');
      show(this.bar, limit !== null);
      if (limit !== null) { this.bar.max = Math.max(limit, 1); this.bar.value = Math.min(used, limit); }
    }
  }

  // ---- routes --------------------------------------------------------------------------------------------------

  const good = requests => requests.success + requests.fallback;
  const failed = requests => requests.upstream_error + requests.rejected + requests.timeout;

  class RouteRow {
    constructor(id) {
      this.row = rowOf();
      const name = nameCell(this.row);
      name.append(make('div', '', id), this.sub = make('div', 'sub'));
      const spark = (column, word, look = 'number') => {
        const part = { number: make('span', look, '–'), spark: new Spark(word), meter: new Meter() };
        cell(this.row, column, withSpark(part.number, part.spark));
        return part;
      };
      this.rps = spark('Requests/s', `${id}: requests a second`);
      this.success = spark('Success', `${id}: success`);
      this.latency = spark('p50 / p99', `${id}: 99th percentile`, 'number wide');
      this.retries = spark('Retries', `${id}: retries a second`);
      this.rescued = spark('Rescued', `${id}: rescued requests a second`);
      cell(this.row, 'In flight', (this.load = new Load()).box);
      cell(this.row, 'Queue', this.queue = make('span', 'number'));
      this.goodMeter = new Meter();
      this.badMeter = new Meter();
    }

    set(route, at) {
      const rps = this.rps.meter.rate(sum(route.requests), at);
      const goods = this.goodMeter.rate(good(route.requests), at);
      const bads = this.badMeter.rate(failed(route.requests), at);
      const share = goods === null || bads === null || goods + bads === 0 ? null : goods / (goods + bads);
      const recent = route.last10s;
      const retries = sum(route.retries), rescued = sum(route.rescued);
      this.giveUp = recent.left >= Math.max(3, recent.count * 0.05);
      this.trouble = levelOfShare(recent.successRate) || (this.giveUp ? 'is-warn' : '');
      this.current = { rps: rps ?? 0, retries: this.retries.meter.rate(retries, at) ?? 0, rescued, inFlight: route.inFlight };
      dress(this.row, this.trouble);
      say(this.sub, `→ ${route.cluster}${recent.left > 0 ? ` · ${recent.left} callers left` : ''}`);
      say(this.rps.number, rate(rps ?? recent.perSecond));
      this.rps.spark.add(rps);
      say(this.success.number, percent(recent.successRate));
      dress(this.success.number, `number ${levelOfShare(recent.successRate)}`);
      this.success.spark.add(share, { highest: 1.04, bad: this.trouble === 'is-bad' });
      say(this.latency.number, `${span(recent.p50Ms)} / ${span(recent.p99Ms)}`);
      this.latency.spark.add(recent.p99Ms);
      say(this.retries.number, count.format(retries));
      this.retries.spark.add(this.current.retries);
      say(this.rescued.number, count.format(rescued));
      this.rescued.spark.add(this.rescued.meter.rate(rescued, at));
      this.load.set(route.inFlight, route.limit);
      say(this.queue, `${route.queued}`);
    }
  }

  // ---- destinations --------------------------------------------------------------------------------------------

  const BREAKER = {
    closed: { text: '✓ closed', look: 'good', trouble: '' },
    half_open: { text: '◐ half-open', look: 'warn', trouble: 'is-warn' },
    open: { text: '✕ open', look: 'bad', trouble: 'is-bad' },
    isolated: { text: '⏸ isolated', look: 'held', trouble: 'is-held' },
  };

  class DestinationRow {
    constructor(cluster, id) {
      this.cluster = cluster;
      this.id = id;
      this.row = rowOf();
      nameCell(this.row).append(make('div', '', id), this.sub = make('div', 'sub'));
      cell(this.row, 'Health', this.health = make('span', 'badge'));
      const breaker = make('div', 'breaker');
      this.badge = make('span', 'badge');
      this.reason = make('span', 'sub');
      this.countdown = make('span', 'countdown');
      this.bar = make('progress');
      this.bar.setAttribute('aria-hidden', 'true');
      this.left = make('span');
      this.countdown.append(this.bar, this.left);
      breaker.append(this.badge, this.reason, this.countdown);
      cell(this.row, 'Circuit breaker', breaker);
      cell(this.row, 'In flight', (this.load = new Load()).box);
      this.rps = { number: make('span', 'number', '–'), spark: new Spark(`${id}: attempts a second`), meter: new Meter() };
      cell(this.row, 'Attempts/s', withSpark(this.rps.number, this.rps.spark));
      cell(this.row, 'Success', this.success = make('span', 'number', '–'));
      cell(this.row, 'p50 / p99', this.latency = make('span', 'number', '–'));
      const ops = make('div', 'ops');
      this.isolate = this.button(ops, 'isolate', 'Isolate');
      this.close = this.button(ops, 'close', 'Close');
      this.reset = this.button(ops, 'reset', 'Reset');
      cell(this.row, 'Operator', ops);
    }

    button(ops, verb, text) {
      const button = make('button', 'small', text);
      button.type = 'button';
      button.setAttribute('aria-label', `${text} ${this.cluster}/${this.id}`);
      button.addEventListener('click', () => circuitVerb(verb, this.cluster, this.id));
      ops.append(button);
      return button;
    }

    set(destination, at, received) {
      const breaker = destination.breaker;
      const look = breaker ? BREAKER[breaker.state] : null;
      const healthy = destination.health.state === 'healthy';
      this.trouble = look && look.trouble ? look.trouble : healthy || destination.health.state === 'unknown' ? '' : 'is-bad';
      dress(this.row, this.trouble);
      const unknown = destination.health.state === 'unknown';
      say(this.health, healthy ? '✓ healthy' : unknown ? '? not checked yet' : `✕ ${destination.health.state}${destination.health.reason ? ': ' + destination.health.reason : ''}`);
      dress(this.health, `badge ${healthy ? 'good' : unknown ? '' : 'bad'}`);
      say(this.badge, look ? look.text : 'none');
      dress(this.badge, `badge ${look ? look.look : ''}`);
      const notes = [];
      if (breaker && breaker.state !== 'closed') notes.push(`${breaker.reason ?? 'no reason'}, since ${clock(breaker.since)}`);
      if (breaker && breaker.byOperator) notes.push(breaker.operatorUntil ? `by an operator until ${clock(breaker.operatorUntil)}` : 'by an operator, without end');
      if (breaker && breaker.state === 'closed' && breaker.consecutiveFailures > 0) notes.push(`${breaker.consecutiveFailures} failures in a row`);
      if (destination.backpressureSeconds > 0) notes.push(`asks for quiet for ${destination.backpressureSeconds.toFixed(0)} s`);
      say(this.reason, notes.join(' · '));
      show(this.reason, notes.length > 0);

      // The countdown runs here between two looks; a new break begins a new bar.
      const counts = breaker && breaker.nextProbeIn !== null && (breaker.state === 'open' || breaker.state === 'isolated');
      if (counts && this.since !== breaker.since) { this.since = breaker.since; this.whole = Math.max(breaker.nextProbeIn, 0.1); }
      this.probeAt = counts ? received + breaker.nextProbeIn * 1000 : null;
      this.probing = breaker && breaker.state === 'half_open';
      this.byOperator = breaker && breaker.state === 'isolated';
      this.tick(received);

      this.load.set(destination.inFlight, destination.limit);
      const rps = this.rps.meter.rate(sum(destination.attempts), at);
      say(this.rps.number, rate(rps ?? destination.last10s.perSecond));
      this.rps.spark.add(rps);
      const share = destination.last10s.successRate;
      say(this.success, percent(share));
      dress(this.success, `number ${levelOfShare(share)}`);
      say(this.latency, `${span(destination.last10s.p50Ms)} / ${span(destination.last10s.p99Ms)}`);
      this.state = breaker ? breaker.state : null;
      this.isolate.disabled = !breaker || breaker.state === 'isolated';
      this.close.disabled = !breaker || breaker.state === 'closed';
      this.reset.disabled = !breaker;
    }

    tick(now) {
      const left = this.probeAt === null || this.probeAt === undefined ? null : Math.max(0, (this.probeAt - now) / 1000);
      show(this.countdown, left !== null || Boolean(this.probing));
      show(this.bar, left !== null);
      if (left !== null) {
        this.bar.max = this.whole;
        this.bar.value = Math.min(left, this.whole);
        say(this.left, left === 0 ? 'the next attempt is the probe' : this.byOperator ? `ends in ${left.toFixed(1)} s` : `next probe in ${left.toFixed(1)} s`);
      } else if (this.probing) {
        say(this.left, 'one probe decides');
      }
    }
  }

  class ClusterGroup {
    constructor(id) {
      this.id = id;
      this.body = make('tbody');
      this.body.setAttribute('role', 'rowgroup');
      this.head = rowOf();
      this.head.className = 'group';
      const th = make('th');
      th.scope = 'rowgroup';
      th.colSpan = 8;
      th.setAttribute('role', 'rowheader');
      th.append(make('span', '', id), this.sub = make('span', 'sub'));
      this.head.append(th);
      this.body.append(this.head);
      this.rows = new Map();
    }

    set(cluster, at, received) {
      const limit = cluster.limit === null ? '' : ` of ${count.format(cluster.limit)}`;
      const load = `${cluster.inFlight}${limit} in flight, ${cluster.queued} queued`;
      say(this.sub, load);
      keep(this.rows, cluster.destinations, id => new DestinationRow(this.id, id), this.body, (row, state) => row.set(state, at, received));

      // A cluster of one needs no line of its own above it.
      const alone = this.rows.size === 1;
      show(this.head, !alone);
      for (const row of this.rows.values()) {
        say(row.sub, alone ? `${this.id}${cluster.limit === null && cluster.queued === 0 ? '' : ` · ${load}`}` : '');
      }
    }
  }

  // One row for each name, in the order of the state, which does not change: a row must not move away under a finger.
  const keep = (rows, states, create, parent, update) => {
    for (const [id, row] of rows) {
      if (!Object.hasOwn(states, id)) { (row.row ?? row.body).remove(); rows.delete(id); }
    }
    for (const [id, state] of Object.entries(states)) {
      let row = rows.get(id);
      if (!row) { row = create(id); rows.set(id, row); parent.append(row.row ?? row.body); }
      update(row, state);
    }
  };

  // ---- failures ------------------------------------------------------------------------------------------------

  let failuresSeen = '';
  const drawFailures = failures => {
    const newest = failures.length === 0 ? '' : `${failures[0].time} ${failures[0].traceId} ${failures.length}`;
    if (newest === failuresSeen) return;
    failuresSeen = newest;
    show($('no-failures'), failures.length === 0);
    show($('failures'), failures.length > 0);
    $('failure-rows').replaceChildren(...failures.slice(0, 20).map(failure => {
      const row = rowOf();
      const rescued = failure.outcome === 'success' || failure.outcome === 'fallback';
      const time = cell(row, 'Time', make('span', '', clock(failure.time)));
      time.title = failure.traceId ? `trace ${failure.traceId}` : '';
      const request = make('div');
      request.append(make('div', 'mono', `${failure.method} ${failure.path}`), make('div', 'sub', failure.route));
      cell(row, 'Request', request);
      const answer = make('div');
      answer.append(
        make('span', `badge ${rescued ? 'good' : failure.outcome === 'client_closed' ? '' : 'bad'}`, `${failure.status || 'none'} ${rescued ? 'rescued' : failure.outcome.replaceAll('_', ' ')}`),
        make('div', 'sub', `${failure.reason && failure.outcome !== 'success' ? `${failure.reason}, ` : ''}after ${span(failure.durationMs)}`));
      cell(row, 'Answer', answer);
      const attempts = make('div');
      const trail = make('ol', 'trail');
      for (const attempt of failure.attempts) {
        const item = make('li');
        item.append(make('span', `badge ${attempt.outcome === 'success' ? 'good' : 'bad'}`, `${attempt.destination}: ${attempt.outcome} · ${span(attempt.durationMs)}`));
        trail.append(item);
      }
      attempts.append(failure.attempts.length > 0 ? trail : make('span', 'sub', 'no attempt was made'));
      if (failure.stopped) attempts.append(make('div', 'stopped', `no further attempt: ${failure.stopped.replaceAll('_', ' ')}`));
      cell(row, 'Attempts', attempts);
      return row;
    }));
  };

  // ---- the whole -----------------------------------------------------------------------------------------------

  const routes = new Map();
  const clusters = new Map();
  const known = new Map();
  let last = null;

  const announceChanges = () => {
    const changes = [];
    for (const group of clusters.values()) {
      for (const row of group.rows.values()) {
        const key = JSON.stringify([group.id, row.id]);
        const before = known.get(key);
        if (before !== undefined && before !== row.state) changes.push(`${group.id}/${row.id}: circuit breaker ${String(row.state).replace('_', ' ')}.`);
        known.set(key, row.state);
      }
    }
    if (changes.length > 0) say($('announcer'), changes.join(' '));
  };

  const drawVerdict = state => {
    const rows = [...clusters.values()].flatMap(group => [...group.rows.values()]);
    const cut = rows.filter(row => row.state === 'open' || row.state === 'half_open');
    const held = rows.filter(row => row.state === 'isolated');
    const ill = rows.filter(row => row.trouble && !cut.includes(row) && !held.includes(row));
    const suffering = [...routes].filter(([, row]) => row.trouble === 'is-bad').map(([id]) => id);
    const givingUp = [...routes].filter(([, row]) => row.giveUp).map(([id]) => id);
    const few = ids => ids.slice(0, 3).join(', ') + (ids.length > 3 ? ` and ${ids.length - 3} more` : '');
    const names = list => list.slice(0, 3).map(row => `${row.cluster}/${row.id}`).join(', ') + (list.length > 3 ? ` and ${list.length - 3} more` : '');
    const parts = [];
    if (state.draining) parts.push('The proxy is draining.');
    if (suffering.length > 0) parts.push(`Callers of ${few(suffering)} see failures.`);
    if (givingUp.length > 0) parts.push(`Callers of ${few(givingUp)} give up waiting.`);
    if (cut.length > 0) parts.push(`Cut off by the circuit breaker: ${names(cut)}.`);
    if (ill.length > 0) parts.push(`Unhealthy: ${names(ill)}.`);
    if (held.length > 0) parts.push(`Isolated by an operator: ${names(held)}.`);
    const troubled = cut.length + ill.length;
    if (suffering.length + givingUp.length === 0 && troubled > 0) parts.push('Callers do not notice.');
    if (parts.length === 0) parts.push(`All is well: ${rows.length} ${rows.length === 1 ? 'destination' : 'destinations'}, ${routes.size} ${routes.size === 1 ? 'route' : 'routes'}.`);
    say($('verdict-text'), parts.join(' '));
    dress($('verdict'), `verdict ${suffering.length > 0 ? 'is-bad' : troubled + held.length + givingUp.length > 0 || state.draining ? 'is-warn' : 'is-good'}`);

    const current = [...routes.values()].map(row => row.current);
    const total = of => current.reduce((all, row) => all + of(row), 0);
    const recent = Object.values(state.routes).map(route => route.last10s).filter(load => load.successRate !== null);
    const weight = recent.reduce((all, load) => all + load.count, 0);
    const share = weight === 0 ? null : recent.reduce((all, load) => all + load.successRate * load.count, 0) / weight;
    say($('sum-rps'), rate(total(row => row.rps)));
    say($('sum-success'), percent(share));
    say($('sum-inflight'), count.format(total(row => row.inFlight)));
    say($('sum-retries'), rate(total(row => row.retries)));
    say($('sum-rescued'), count.format(total(row => row.rescued)));
  };

  let configSeen = '';
  const drawConfig = config => {
    const seen = JSON.stringify(config);
    if (seen === configSeen) return;
    configSeen = seen;
    show($('config'), !config.successful || config.findings.length > 0);
    dress($('config'), config.successful ? 'config is-fine' : 'config');
    say($('config-text'), config.successful
      ? `${config.path} is in force since ${clock(config.time)}, with warnings:`
      : `${config.path} was refused at ${clock(config.time)}; the last good config keeps serving:`);
    $('config-findings').replaceChildren(...config.findings.map(finding => {
      const item = make('li');
      item.append(make('strong', '', `${finding.severity} `), make('code', '', finding.path), `: ${finding.message}${finding.line > 0 ? ` (line ${finding.line})` : ''}`);
      return item;
    }));
  };

  const filter = () => {
    const text = $('filter').value.trim().toLowerCase();
    const troubled = $('troubled').checked;
    const wanted = (name, trouble) => (!troubled || Boolean(trouble)) && name.toLowerCase().includes(text);
    for (const [id, row] of routes) show(row.row, wanted(`${id} ${row.sub.textContent}`, row.trouble));
    for (const group of clusters.values()) {
      let some = false;
      for (const [id, row] of group.rows) {
        const visible = wanted(`${group.id}/${id}`, row.trouble);
        show(row.row, visible);
        some ||= visible;
      }
      show(group.body, some);
    }
  };

  const draw = state => {
    const at = Date.parse(state.time), received = performance.now();
    last = state;
    say($('version'), `version ${state.version}`);
    say($('uptime'), age(state.uptimeSeconds));
    $('drain').disabled = state.draining;
    keep(clusters, state.clusters, id => new ClusterGroup(id), $('destinations'), (group, cluster) => group.set(cluster, at, received));
    keep(routes, state.routes, id => new RouteRow(id), $('route-rows'), (row, route) => row.set(route, at));
    drawConfig(state.config);
    drawFailures(state.recentFailures);
    drawVerdict(state);
    announceChanges();
    filter();
  };

  // ---- the connection ------------------------------------------------------------------------------------------

  let source = null, heard = 0, lostSince = null, retry = 0;

  const connected = state => {
    lostSince = null;
    show($('lost'), false);
    document.body.classList.remove('is-lost');
    dress($('connection'), `pill ${state.draining ? 'warn' : 'good'}`);
    say($('connection-text'), state.draining ? 'draining' : 'live');
  };

  const lost = () => {
    lostSince ??= new Date();
    const ended = last && last.draining;
    document.body.classList.add('is-lost');
    dress($('connection'), 'pill bad');
    say($('connection-text'), ended ? 'ended' : 'connection lost');
    say($('lost'), ended
      ? 'The proxy has drained and ended. This is what it said last.'
      : `Connection lost. Trying again; what you see is from ${clock(lostSince)}.`);
    show($('lost'), true);
  };

  const open = () => {
    if (source) source.close();
    heard = performance.now();
    source = new EventSource('events');
    source.addEventListener('state', event => {
      heard = performance.now();
      const state = JSON.parse(event.data);
      connected(state);
      draw(state);
    });
    source.addEventListener('error', () => {
      lost();
      // After an answer such as 503 a browser does not come back by itself.
      if (source.readyState === EventSource.CLOSED) { clearTimeout(retry); retry = setTimeout(open, 2000); }
    });
  };

  setInterval(() => {
    const now = performance.now();
    if (now - heard > SILENCE_MS) { lost(); open(); }
    if (lostSince === null) for (const group of clusters.values()) for (const row of group.rows.values()) row.tick(now);
  }, 100);

  // ---- the operator --------------------------------------------------------------------------------------------

  let toastEnd = 0;
  const toast = text => {
    say($('toast'), text);
    show($('toast'), true);
    clearTimeout(toastEnd);
    toastEnd = setTimeout(() => show($('toast'), false), 6000);
  };

  const ask = dialog => new Promise(resolve => {
    dialog.returnValue = 'cancel';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    dialog.showModal();
  });

  const confirmed = (title, text, yes, withTtl) => {
    say($('confirm-title'), title);
    say($('confirm-text'), text);
    say($('confirm-yes'), yes);
    show($('confirm-ttl'), withTtl);
    return ask($('confirm'));
  };

  const TOKEN = 'resilient-proxy.token';
  const post = async path => {
    for (;;) {
      const token = sessionStorage.getItem(TOKEN);
      const response = await fetch(path, { method: 'POST', headers: token ? { Authorization: `Bearer ${token}` } : {} });
      if (response.status !== 401) return response;
      sessionStorage.removeItem(TOKEN);
      $('token-value').value = '';
      if (!await ask($('token'))) return response;
      sessionStorage.setItem(TOKEN, $('token-value').value);
      $('token-value').value = '';
    }
  };

  const act = async (path, done) => {
    try {
      const response = await post(path);
      const text = await response.text();
      toast(response.ok ? done(text) : text.split('\n')[0] || `refused: ${response.status}`);
    } catch {
      toast('The proxy did not answer.');
    }
  };

  const TEXTS = {
    isolate: name => [`Isolate ${name}?`, 'No request goes there until then; those under way finish.', 'Isolate'],
    close: name => [`Close the circuit of ${name}?`, 'Requests go there again, whatever the circuit breaker has seen.', 'Close'],
    reset: name => [`Reset the circuit of ${name}?`, 'What was counted and what an operator said is forgotten; it begins closed.', 'Reset'],
  };

  async function circuitVerb(verb, cluster, destination) {
    const name = `${cluster}/${destination}`;
    if (!await confirmed(...TEXTS[verb](name), verb !== 'reset')) return;
    const ttl = verb === 'reset' ? '' : $('ttl').value;
    await act(`circuits/${encodeURIComponent(cluster)}/${encodeURIComponent(destination)}/${verb}${ttl ? `?ttl=${ttl}` : ''}`, text => {
      const answer = JSON.parse(text);
      return `${name} is ${answer.breaker.state.replace('_', ' ')}.${answer.note ? ` Note: ${answer.note}.` : ''}`;
    });
  }

  $('drain').addEventListener('click', async () => {
    if (await confirmed('Drain this proxy?', 'It stops being ready at once, finishes what is in flight, and ends. There is no way back.', 'Drain', false)) {
      await act('drain', () => 'Draining.');
    }
  });
  $('reload').addEventListener('click', () => act('reload', () => 'The config is in force.'));
  $('filter').addEventListener('input', filter);
  $('troubled').addEventListener('change', filter);

  open();
})();

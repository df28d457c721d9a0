"use strict";
(function () {
  const data = JSON.parse(document.getElementById("evidence").textContent);
  const panel = document.getElementById("panel");
  const title = document.getElementById("panel-title");
  const about = document.getElementById("panel-about");
  const body = document.getElementById("panel-body");

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function table(heads, rows) {
    const element = make("table");
    const line = element.createTHead().insertRow();
    heads.forEach(function (head) {
      const cell = make("th", head.className, head.text);
      cell.scope = "col";
      line.append(cell);
    });
    const lines = element.createTBody();
    rows.forEach(function (row) {
      const tr = lines.insertRow();
      row.forEach(function (cell) { tr.append(cell); });
    });
    return element;
  }

  function show(heading, sentence, content) {
    title.textContent = heading;
    about.textContent = sentence;
    body.replaceChildren(content);
    panel.showModal();
    body.scrollTop = 0;
  }

  function ratingOf(measure, completion, columns) {
    const row = measure.ratings[completion];
    if (row === null) return null;
    const values = columns.map(function (column) { return row[column]; });
    const rated = values.filter(function (value) { return value !== null; });
    if (rated.length === 0) return null;
    return rated.reduce(function (sum, value) { return sum + value; }, 0) / rated.length;
  }

  function textOf(rows, completion, columns) {
    const row = rows[completion];
    if (row === null) return "";
    return Array.from(new Set(columns.map(function (column) { return row[column] || ""; })))
      .filter(Boolean).join("; ");
  }

  function said(stem, text) {
    const cell = make("td", "said");
    if (stem) cell.append(make("span", "stem", stem + (/^['’]/.test(text) ? "" : " ")));
    cell.append(make("bdi", "", text));
    return cell;
  }

  function showOrientation(button) {
    const measure = data.measures[Number(button.dataset.measure)];
    const target = Number(button.dataset.target);
    const respondent = Number(button.dataset.respondent);
    const columns = measure.targets[target][1];
    const found = [];
    data.completions.forEach(function (completion, i) {
      if (completion[0] === respondent) found.push([completion, ratingOf(measure, i, columns), i]);
    });
    found.sort(function (a, b) { return (b[1] === null ? -1 : b[1]) - (a[1] === null ? -1 : a[1]); });
    const stems = new Set();
    found.forEach(function (entry) { if (entry[1] !== null) stems.add(entry[0][1] % data.nStems); });
    const grounded = found.some(function (entry) { return textOf(measure.grounds, entry[2], columns); });
    const rows = found.map(function (entry) {
      const completion = entry[0];
      const stem = data.stems[completion[1]];
      const rating = entry[1] === null
        ? make("td", "reason", completion[4] || textOf(measure.missing, entry[2], columns) || data.noRating)
        : make("td", "num", entry[1].toFixed(2));
      const cells = [rating, said(stem[0], completion[3])];
      if (grounded) cells.push(said("", textOf(measure.grounds, entry[2], columns)));
      return cells.concat([make("td", "", stem[1]), make("td", "", stem[2]),
        make("td", "num", String(completion[2]))]);
    });
    show(
      data.respondents[respondent] + " on " + measure.targets[target][0],
      "Mean over " + stems.size + (stems.size === 1 ? " stem" : " stems") + " of the mean over each stem's rated draws: " +
        measure.means[target][respondent] + ". " + measure.title + "; judge " + measure.judge +
        ". Highest rating first, missing last.",
      table(
        [{ text: "Rating", className: "num" }, { text: "Stem and completion" }]
          .concat(grounded ? [{ text: "The judge's grounds" }] : [])
          .concat([{ text: "Kind" }, { text: "Theme" }, { text: "Draw", className: "num" }]),
        rows
      )
    );
  }

  function showTerm(button) {
    const term = data.terms[Number(button.dataset.term)];
    const indices = term[1];
    const rows = indices.map(function (i) {
      const response = data.responses[i];
      return [make("td", "id", response[0]), make("td", "id", response[1]), make("td", "num", String(response[2])),
        said("", response[3])];
    });
    show(
      term[0],
      indices.length + (indices.length === 1 ? " response names it." : " responses name it.") +
        " A response may write another form of the word; the merges tell which.",
      table(
        [{ text: "Respondent" }, { text: "Prompt" }, { text: "Draw", className: "num" }, { text: "Response" }],
        rows
      )
    );
  }

  document.getElementById("panel-close").addEventListener("click", function () { panel.close(); });
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (button === null) return;
    if (button.dataset.measure !== undefined) showOrientation(button);
    else if (button.dataset.term !== undefined) showTerm(button);
  });
})();

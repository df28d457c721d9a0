"use strict";
(function () {
  const id = function (name) { return document.getElementById(name); };
  const nSheets = Number(document.body.dataset.sheets);
  const levels = Array.from(document.querySelectorAll("[data-level]"), function (li) { return li.textContent; });
  let place = Number(document.body.dataset.start);
  let cards = [];
  let active = null;
  let marked = "";
  let sending = Promise.resolve();
  let moving = false;
  let stopped = false;

  async function ask(path, content) {
    const options = content === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
    };
    let reply;
    try {
      reply = await fetch(path, options);
    } catch {
      throw new Error("ValueLex does not answer: it was stopped. What was shown as saved is kept. Start valuelex rate again.");
    }
    if (!reply.ok) throw new Error((await reply.json()).error);
    return reply.headers.get("Content-Type").startsWith("application/json") ? reply.json() : null;
  }

  function tell(trouble) {
    id("trouble").textContent = trouble || "";
    id("trouble").hidden = !trouble;
    if (trouble) id("saved").textContent = "not saved";
  }

  // A card is one value with what was said of it. `unsaved` is set from a choice until it is on disk.
  function makeCard(value) {
    const element = id("value").content.firstElementChild.cloneNode(true);
    const card = {
      value: value, element: element, sheet: place, unsaved: false,
      open: value.rated && value.rating !== null,
      decided: value.rated, rating: value.rating, evidence: value.evidence, reason: value.reason,
      buttons: Array.from(element.querySelectorAll("[data-answer]")),
    };
    const title = element.querySelector("h2");
    title.textContent = value.name;
    title.id = "value-" + value.id;
    element.setAttribute("aria-labelledby", title.id);
    element.querySelector(".definition").textContent = value.definition;
    fillExamples(element.querySelector("dl"), value.examples);
    card.buttons.forEach(function (button) {
      button.addEventListener("click", function () { answer(card, button.dataset.answer); });
    });
    element.addEventListener("focusin", function () { activate(card); });
    element.addEventListener("click", function () { activate(card); });
    const reason = element.querySelector(".reason");
    reason.value = card.reason;
    reason.addEventListener("change", function () { card.reason = reason.value; changed(card); });
    element.querySelector(".evidence button").addEventListener("click", function () {
      card.evidence = "";
      changed(card);
      focusOn(card);
    });
    paint(card);
    return card;
  }

  function fillExamples(list, examples) {
    [["low", "Against it"], ["middle", "Leaning to neither side"], ["high", "For it"]].forEach(function (pole) {
      if (examples[pole[0]].length === 0) return;
      const head = document.createElement("dt");
      head.textContent = pole[1];
      list.append(head);
      examples[pole[0]].forEach(function (text) {
        const line = document.createElement("dd");
        line.textContent = text;
        list.append(line);
      });
    });
  }

  function pressed(card) {
    if (card.decided && card.rating === null) return ["no"];
    return (card.open ? ["yes"] : []).concat(card.decided ? [String(card.rating)] : []);
  }

  function paint(card) {
    const down = pressed(card);
    card.buttons.forEach(function (button) {
      const isPoint = !["no", "yes"].includes(button.dataset.answer);
      button.setAttribute("aria-pressed", String(down.includes(button.dataset.answer)));
      button.disabled = isPoint && !card.open;
    });
    card.element.classList.toggle("decided", card.decided);
    card.element.querySelector(".chosen").textContent = !card.decided ? ""
      : card.rating === null ? "does not bear on it" : levels[card.rating];
    card.element.querySelector(".evidence").hidden = card.evidence === "";
    card.element.querySelector("q").textContent = card.evidence;
    const rest = card.buttons.find(function (b) { return b.dataset.answer === down[down.length - 1]; });
    rove(card, rest || card.buttons[1]);
    const left = cards.filter(function (c) { return !c.decided; }).length;
    id("left").textContent = left === 0 ? "" : left + (left === 1 ? " value left" : " values left");
  }

  // One button of a card is reached by Tab, the others from it by arrows.
  function rove(card, target) {
    card.buttons.forEach(function (button) { button.tabIndex = button === target ? 0 : -1; });
  }

  function focusOn(card) {
    card.buttons.find(function (button) { return button.tabIndex === 0; }).focus();
  }

  function activate(card) {
    active = card;
    cards.forEach(function (c) { c.element.classList.toggle("active", c === card); });
    showMark();
  }

  function answer(card, what) {
    if (what === "yes") {
      card.open = true;
      if (card.rating === null) card.decided = false;
      paint(card);
      rove(card, card.buttons[5]);
      focusOn(card);
      return;
    }
    card.open = what !== "no";
    card.rating = what === "no" ? null : Number(what);
    card.decided = true;
    card.element.classList.remove("left-open");
    changed(card);
  }

  function changed(card) {
    card.unsaved = card.decided;
    paint(card);
    if (card.decided) save(card);
  }

  // One after another, so that the last choice is the last line of the file.
  function save(card) {
    id("saved").textContent = "saving …";
    sending = sending.then(async function () {
      if (!card.unsaved) return;
      card.unsaved = false;
      try {
        const kept = await ask("rate", {
          sheet: card.sheet, subdimension: card.value.id, rating: card.rating,
          evidence: card.evidence, reason: card.reason.trim(),
        });
        id("saved").textContent = "saved";
        id("done").value = kept.n_rated;
        tell("");
      } catch (error) {
        card.unsaved = true;
        tell(error.message);
      }
    });
  }

  async function show(target) {
    tell("");
    let sheet = null;
    if (target < nSheets) sheet = await ask("sheet/" + target);
    place = target;
    cards = [];
    active = null;
    marked = "";
    id("saved").textContent = "";
    id("sentence").hidden = sheet === null;
    document.querySelector(".manual").hidden = sheet === null;
    id("finished").hidden = sheet !== null;
    id("skip").disabled = id("next").disabled = sheet === null;
    id("back").disabled = place === 0;
    if (sheet === null) {
      id("values").replaceChildren();
      finish("You have reached the end.", "Back shows a sentence again. Stop ends the page; skipped sentences come again next time.");
      return;
    }
    id("progress").textContent = sheet.number + " of " + sheet.total;
    id("done").max = sheet.total;
    id("done").value = sheet.n_rated;
    id("stem").textContent = sheet.stem;
    id("gap").textContent = sheet.gap;
    id("ending").textContent = sheet.ending;
    cards = sheet.values.map(makeCard);
    id("values").replaceChildren(...cards.map(function (card) { return card.element; }));
    cards.forEach(paint);
    window.scrollTo(0, 0);
    const first = cards.find(function (card) { return !card.decided; }) || cards[0];
    activate(first);
    first.buttons.find(function (button) { return button.tabIndex === 0; }).focus({ preventScroll: true });
  }

  function finish(heading, next) {
    id("progress").textContent = "";
    id("left").textContent = "";
    id("saved").textContent = "";
    id("finished-title").textContent = heading;
    id("finished-next").textContent = next;
  }

  async function saveAll() {
    if (document.activeElement) document.activeElement.blur();
    cards.filter(function (card) { return card.unsaved; }).forEach(save);
    await sending;
    return !cards.some(function (card) { return card.unsaved; });
  }

  async function go(step, needsAll) {
    if (moving || stopped || place + step < 0 || place + step > nSheets) return;
    moving = true;
    try {
      const left = cards.filter(function (card) { return !card.decided; });
      if (needsAll && left.length > 0) {
        left.forEach(function (card) { card.element.classList.add("left-open"); });
        focusOn(left[0]);
        return;
      }
      if (await saveAll()) await show(place + step);
    } catch (error) {
      tell(error.message);
    } finally {
      moving = false;
    }
  }

  async function stop() {
    if (!(await saveAll())) return;
    try {
      await ask("stop", {});
    } catch (error) {
      tell(error.message);
      return;
    }
    stopped = true;
    id("sentence").hidden = true;
    document.querySelector(".manual").hidden = true;
    document.querySelector("footer").hidden = true;
    id("stop").hidden = true;
    id("values").replaceChildren();
    id("finished").hidden = false;
    finish("Stopped.", "You can close this window. To go on another time, start valuelex rate again.");
  }

  function focusNextTo(card, step) {
    const target = cards[cards.indexOf(card) + step];
    if (target) focusOn(target);
    else if (step > 0) id("next").focus();
  }

  function moveInside(card, step) {
    const usable = card.buttons.filter(function (button) { return !button.disabled; });
    const at = usable.indexOf(document.activeElement);
    if (at < 0) return;
    const target = usable[(at + step + usable.length) % usable.length];
    rove(card, target);
    target.focus();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target;
    const card = cards.find(function (c) { return c.element.contains(target); });
    const writing = target.matches("input");
    const pressable = target.matches("summary, .plain, footer button");
    if (event.key === "Enter") {
      if (pressable || event.repeat) return;
      if (writing) target.blur();
      go(1, true);
    } else if (writing) {
      return;
    } else if (!event.repeat && /^[0-6n]$/i.test(event.key) && (card || target === document.body) && active) {
      const rated = card || active;
      answer(rated, event.key.toLowerCase() === "n" ? "no" : event.key);
      focusNextTo(rated, 1);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (card || target === id("next"))) {
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (card) focusNextTo(card, step);
      else if (step < 0) focusOn(cards[cards.length - 1]);
    } else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && card && target.matches("[data-answer]")) {
      moveInside(card, event.key === "ArrowRight" ? 1 : -1);
    } else {
      return;
    }
    event.preventDefault();
  }

  // The part of a selection that lies in the ending, without spaces around it.
  function selected() {
    const selection = window.getSelection();
    if (selection.rangeCount === 0 || selection.isCollapsed) return "";
    const range = selection.getRangeAt(0).cloneRange();
    const ending = document.createRange();
    ending.selectNodeContents(id("ending"));
    if (!range.intersectsNode(id("ending"))) return "";
    if (range.compareBoundaryPoints(Range.START_TO_START, ending) < 0) range.setStart(ending.startContainer, ending.startOffset);
    if (range.compareBoundaryPoints(Range.END_TO_END, ending) > 0) range.setEnd(ending.endContainer, ending.endOffset);
    return range.toString().trim();
  }

  function showMark() {
    const shown = marked !== "" && active !== null;
    id("mark").hidden = !shown;
    if (shown) id("mark").textContent = "Mark “" + (marked.length > 40 ? marked.slice(0, 39) + "…" : marked) + "” as evidence for " + active.value.name;
  }

  document.addEventListener("selectionchange", function () {
    const now = selected();
    // A press on the button can end the selection before it is a click; it stays offered until another one.
    if (now !== "") marked = now;
    showMark();
  });
  id("mark").addEventListener("click", function () {
    const card = active;
    card.evidence = marked;
    marked = "";
    window.getSelection().removeAllRanges();
    changed(card);
    showMark();
    focusOn(card);
  });
  id("next").addEventListener("click", function () { go(1, true); });
  id("skip").addEventListener("click", function () { go(1, false); });
  id("back").addEventListener("click", function () { go(-1, false); });
  id("stop").addEventListener("click", stop);
  document.addEventListener("keydown", onKey);
  show(place).catch(function (error) { tell(error.message); });
})();

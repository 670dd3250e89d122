// Focus, titles, announcements and failures around HTMX's swaps. Every page works without this file.
(() => {
  "use strict";
  const panel = () => document.getElementById("portal-panel");

  // What changed is said to screen readers; what failed is shown to everybody.
  const say = (text, failed = false) => {
    const live = document.getElementById("portal-live");
    if (!live) return;
    live.className = failed ? "portal-alert" : "portal-unseen";
    live.textContent = text;
  };

  // Sentences come with the page, in its language.
  const told = (name, places = {}) =>
    Object.entries(places).reduce(
      (text, [place, value]) => text.replace(`{${place}}`, () => value),
      document.querySelector(".portal")?.dataset[name] ?? "",
    );

  const ours = (event) => {
    const target = event.detail?.ctx?.target;
    return target instanceof Element && target.matches("#portal-panel, .portal");
  };
  // Remembered when it asks: after the swap HTMX names another element as the source.
  const sources = new WeakMap();
  const polls = (ctx) => sources.get(ctx)?.matches("[data-portal-list]");
  const statuses = () =>
    new Map([...document.querySelectorAll("[data-portal-status]")].map(({ id, dataset }) => [id, { ...dataset }]));

  let before = new Map();
  let title = panel()?.dataset.portalTitle;

  const news = (name, card) => told(name, { name: card.portalName, status: card.portalStatus });
  const announceChanges = () => {
    const now = statuses();
    const changed = [...now]
      .filter(([id, card]) => before.has(id) && before.get(id).portalStatus !== card.portalStatus)
      .map(([, card]) => news("sayStatus", card));
    const added = [...now].filter(([id]) => !before.has(id)).map(([, card]) => news("sayStatus", card));
    const gone = [...before].filter(([id]) => !now.has(id)).map(([, card]) => news("sayGone", card));
    const all = [...added, ...changed, ...gone];
    if (all.length) say(all.join(" "));
  };

  // What somebody is typing outlives a poll, even where what it is about has left the list.
  const typed = (area) => area.value !== area.defaultValue;
  const typing = () => [...(panel()?.querySelectorAll("textarea") ?? [])].some(typed);
  const keepWhatIsTyped = (fragment) => {
    for (const area of [...panel().querySelectorAll("li[id] textarea")].filter(typed)) {
      const card = area.closest("li[id]");
      if (fragment.getElementById(card.id)) continue;
      const list = fragment.querySelector("ul.portal-list");
      if (!list) return false;
      const kept = card.cloneNode(true);
      kept.dataset.portalStatus = told("sayDecided");
      list.prepend(kept);
    }
    return true;
  };

  // The host writes around our title, so only our part of it is exchanged.
  const followTitle = () => {
    const next = panel()?.dataset.portalTitle;
    if (title && next) document.title = document.title.replace(title, next);
    title = next;
  };

  const moveFocus = (ctx) => {
    const source = sources.get(ctx);
    // A link that is still there keeps the focus: turning months.
    const same = source?.matches("a[id]") && document.getElementById(source.id);
    const next = same || panel()?.querySelector("[data-portal-focus]");
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("htmx:before:request", (event) => {
    if (!ours(event)) return;
    const { ctx } = event.detail;
    sources.set(ctx, ctx.sourceElement);
    if (polls(ctx) && document.hidden) event.preventDefault();
    before = statuses();
  });

  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    if (!ours(event)) return;
    const signedOut = ctx.response.status === 401 && polls(ctx) && typing();
    if (ctx.response.status < 500 && !signedOut) return;
    event.preventDefault();
    if (signedOut) say(told("saySignedOut"), true);
    else if (!polls(ctx)) {
      const silent = ctx.response.headers.has("Retry-After");
      say(told(silent ? "saySilent" : "sayFailed"), true);
    }
  });

  document.addEventListener("htmx:before:swap", (event) => {
    if (!ours(event) || !polls(event.detail.ctx)) return;
    const { tasks } = event.detail;
    if (!keepWhatIsTyped(tasks[0].fragment)) {
      event.preventDefault();
      say(told("sayKept"), true);
    }
  });

  document.addEventListener("htmx:error", (event) => {
    if (ours(event) && !polls(event.detail.ctx)) say(told("sayOffline"), true);
  });

  document.addEventListener("htmx:after:swap", (event) => {
    if (!ours(event)) return;
    const { ctx } = event.detail;
    followTitle();
    if (polls(ctx)) return announceChanges();
    say("");
    if (ctx.swap !== "outerMorph") moveFocus(ctx);
  });

  // What stays in view names the time that is ticked.
  document.addEventListener("change", (event) => {
    const told = event.target.matches?.(".portal-slot input") && document.getElementById("portal-chosen-time");
    if (told) told.textContent = event.target.nextElementSibling.firstChild.textContent;
  });

  // Without this the link loads the page anew, all ticked, and what was typed is gone.
  document.addEventListener("click", (event) => {
    const all = event.target.closest?.("a[data-portal-tick]");
    if (!all) return;
    event.preventDefault();
    const boxes = [...panel().querySelectorAll(".portal-pick input")];
    for (const box of boxes) box.checked = all.dataset.portalTick === "all";
    say(told("sayTicked", { number: boxes.filter((box) => box.checked).length }));
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".portal-errors a[href^='#']");
    const field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault();
    const control = field.matches("input, textarea, select") ? field : field.querySelector("input") || field;
    control.focus();
    field.scrollIntoView({ block: "center" });
  });

  document.querySelector(".portal-errors[data-portal-focus]")?.focus();
})();

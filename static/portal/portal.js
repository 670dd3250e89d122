// Focus, titles, announcements and failures around HTMX's swaps. Every page works without this file.
(() => {
  "use strict";
  const panel = () => document.getElementById("portal-panel");

  // Our htmx makes no code of attributes (hx-on, js:, filters of triggers): the portal has none, so it would be another's.
  const refuse = function () {
    throw new Error("The portal's htmx runs no code from attributes.");
  };
  if (document.querySelector("script[data-portal-htmx]")) {
    window.htmx?.registerExtension("portal-no-eval", { init: (api) => api.initSecurity(null, refuse, refuse) });
  }

  // What changed is said to screen readers; what failed is shown to everybody.
  const say = (text, failed = false) => {
    const live = document.getElementById("portal-live");
    if (!live) return;
    live.className = failed ? "portal-alert" : "portal-unseen";
    live.textContent = text ?? "";
  };

  // Sentences come with the page, in its language.
  const told = (name, places = {}) =>
    Object.entries(places).reduce(
      (text, [place, value]) => text.replace(`{${place}}`, () => value),
      document.querySelector(".portal")?.dataset[name] ?? "",
    );

  // Take a sentence back, unless another has been said since.
  const hush = (name) => {
    if (document.getElementById("portal-live")?.textContent === told(name)) say("");
  };

  const ours = (event) => {
    const target = event.detail?.ctx?.target;
    return target instanceof Element && target.matches("#portal-panel, .portal");
  };
  const inside = (event) => event.detail?.ctx?.target?.closest?.(".portal");
  // Remembered when it asks: after the swap HTMX names another element as the source.
  const sources = new WeakMap();
  const polls = (ctx) => sources.get(ctx)?.matches("[data-portal-list]");
  const statuses = () =>
    new Map([...document.querySelectorAll("[data-portal-status]")].map(({ id, dataset }) => [id, { ...dataset }]));

  let before = new Map();
  let newest;
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
  const filledIn = () =>
    [...(panel()?.querySelectorAll("textarea, input, select") ?? [])].some((field) =>
      field.matches("select")
        ? [...field.options].some((option) => option.selected !== option.defaultSelected)
        : typed(field) || field.checked !== field.defaultChecked,
    );
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

  // Whoever is elsewhere is offered their own clock, where it shows another time than the practice's.
  const offerOwnZone = () => {
    const offer = panel()?.querySelector("[data-portal-own-zone]");
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const times = [...(panel()?.querySelectorAll("input[name=starts]") ?? [])].map(({ value }) => new Date(value));
    if (!offer || !times.length) return;
    const shows = (zone) =>
      times.map((at) => at.toLocaleString("en", { timeZone: zone, dateStyle: "short", timeStyle: "short" })).join();
    try {
      if (shows(timeZone) === shows(offer.dataset.portalOwnZone)) return;
      const language = offer.closest("[lang]").lang;
      const words = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: "long" }).formatToParts(times[0]);
      offer.querySelector("small").textContent = words.find(({ type }) => type === "timeZoneName").value;
    } catch {
      return; // This browser does not know where it is.
    }
    offer.value = timeZone;
    offer.hidden = false;
  };

  const offerSignIn = (address, focus) => {
    say(told("saySignedOut"), true);
    const link = Object.assign(document.createElement("a"), { href: address, target: "_blank", rel: "noopener" });
    link.textContent = told("saySignIn");
    document.getElementById("portal-live")?.append(" ", link);
    if (focus) link.focus();
  };

  // Where visitors may book, too, a session's end shows in a panel that is theirs: with the way to the sign-in.
  const becameVisitors = (fragment) =>
    !panel().querySelector(".portal-account") && filledIn() && fragment.querySelector(".portal-account a")?.href;

  // The page is left for the sign-in only where that loses nothing: what was typed stays where it was typed.
  const stay = (event) => {
    const { ctx } = event.detail;
    const address = ctx.response.headers.get("HX-Redirect");
    if (!address || !(ctx.request.method === "POST" || filledIn())) return;
    event.preventDefault();
    if (polls(ctx) && document.querySelector("#portal-live a")) return;
    offerSignIn(address, !polls(ctx));
  };

  // What waits is marked at once, and shown and said when it takes long.
  const SLOW = 300;
  const waiting = new Map();
  const wait = (ctx) => {
    const form = ctx.sourceElement.matches("form") ? ctx.sourceElement : null;
    for (const each of [form, panel()]) each?.setAttribute("aria-busy", "true");
    const timer = setTimeout(() => {
      panel()?.classList.add("portal-waiting");
      say(told("sayWait"));
    }, SLOW);
    waiting.set(ctx, { form, timer, connected: navigator.onLine });
  };
  const answered = (ctx) => {
    if (!waiting.has(ctx)) return;
    const { form, timer } = waiting.get(ctx);
    waiting.delete(ctx);
    clearTimeout(timer);
    form?.removeAttribute("aria-busy");
    if (waiting.size) return;
    panel()?.removeAttribute("aria-busy");
    panel()?.classList.remove("portal-waiting");
    hush("sayWait");
  };

  document.addEventListener("htmx:before:request", (event) => {
    if (!ours(event)) return;
    const { ctx } = event.detail;
    sources.set(ctx, ctx.sourceElement);
    if (polls(ctx)) {
      if (document.hidden) event.preventDefault();
    } else wait((newest = ctx));
    before = statuses();
  });

  document.addEventListener("htmx:finally:request", (event) => answered(event.detail?.ctx));

  // A second press sends nothing. Nothing is disabled for that: a disabled button loses the focus.
  document.addEventListener(
    "submit",
    (event) => {
      if (!event.target.matches(".portal form[aria-busy]")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );

  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    if (inside(event) && ctx.response.status === 401) return stay(event);
    if (!ours(event) || ctx.response.status < 500) return;
    event.preventDefault();
    if (polls(ctx)) return;
    const silent = ctx.response.headers.has("Retry-After");
    say(told(silent ? "saySilent" : "sayFailed"), true);
  });

  // Whoever is quicker than the network is shown what they asked for last. What of the rest was refused is said then.
  let refused = "";
  const overtaken = (ctx) => !polls(ctx) && ctx !== newest && waiting.has(newest);
  const refusals = (fragment) => {
    const sentences = [...fragment.querySelectorAll(".portal-errors :is(li, p)")].map((each) => each.textContent.trim());
    return sentences.length ? [`${fragment.querySelector("[data-portal-title]")?.dataset.portalTitle}:`, ...sentences] : [];
  };

  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    if ((ours(event) || ctx.target === "#portal-panel") && overtaken(ctx)) {
      event.preventDefault();
      refused = [refused, ...refusals(tasks[0].fragment)].join(" ").trim();
      return answered(ctx);
    }
    if (!ours(event)) return;
    const signIn = becameVisitors(tasks[0].fragment);
    if (signIn) {
      event.preventDefault();
      answered(ctx);
      return offerSignIn(signIn, true);
    }
    if (!polls(ctx)) return;
    for (const { id } of panel().querySelectorAll("details[open][id]")) tasks[0].fragment.getElementById(id)?.setAttribute("open", "");
    if (!keepWhatIsTyped(tasks[0].fragment)) {
      event.preventDefault();
      say(told("sayKept"), true);
    }
  });

  document.addEventListener("htmx:error", (event) => {
    if (!ours(event) || polls(event.detail.ctx)) return;
    // What left while there was a network may have arrived.
    say(told(waiting.get(event.detail.ctx)?.connected ? "sayNoAnswer" : "sayOffline"), true);
  });

  window.addEventListener("offline", () => say(told("sayCutOff"), true));
  window.addEventListener("online", () => hush("sayCutOff"));

  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail?.ctx;
    // By its id: what it replaced is no longer in the page.
    if (ctx?.target?.id === "portal-held") return say(document.getElementById("portal-held")?.textContent);
    if (!ours(event)) return;
    // What asked may be gone, and no later event reaches us from there.
    answered(ctx);
    followTitle();
    offerOwnZone();
    if (polls(ctx)) return announceChanges();
    say([panel()?.dataset.portalNews, refused].filter(Boolean).join(" "), Boolean(refused));
    refused = "";
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

  offerOwnZone();
  document.querySelector(":is(.portal-errors, .portal-sent)[data-portal-focus]")?.focus();
})();

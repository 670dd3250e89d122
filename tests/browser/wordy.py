"""The test practice with names that are hard on a page: 60 letters, compounds, strings without a break, Arabic."""

from typing import Any

from tests.practices import practice

Names = dict[str, tuple[str, str]]
"""What somebody or something is called, and what is said beside it, by key."""

LONG: Names = {
    "practice": ("The Greater Willamette Valley Center for Psychotherapy and Counselling", ""),
    "main": (
        "Ambulatorium_an_der_Nordostumgehungsstraße_Erdgeschoss_rechts",
        "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch 1",
    ),
    "annex": ("The Annex behind the Old Waterworks, Third Floor, Second Door", "2 Side Street, New York"),
    "in-person": ("In person, at one of our places, with or without somebody you trust", ""),
    "phone": ("Phone call", ""),
    "visit": ("Psychotherapeutische Einzelsitzung mit Verlaufsbesprechung", ""),
    "call": ("Quick call", ""),
    "ada": (
        "Dr. Anastasia-Wilhelmine Freifrau von Hohenlohe-Schillingsfürst",
        "Fachärztin für Kinder- und Jugendpsychiatrie und -psychotherapie",
    ),
    "ben": ("Ben Ito", ""),
}
GERMAN: Names = {
    "practice": ("Gemeinschaftspraxis für Verhaltenstherapie am Rathausplatz", ""),
    "main": ("Hauptstandort am Rathausplatz", "Rathausplatz 1, 90403 Nürnberg"),
    "annex": ("Zweigstelle Gostenhof", "Fürther Straße 22, 90429 Nürnberg"),
    "in-person": ("Persönlich in der Praxis", ""),
    "phone": ("Telefongespräch", ""),
    "visit": ("Verhaltenstherapeutische Einzelsitzung", ""),
    "call": ("Kurzes Telefongespräch", ""),
    "ada": ("Dipl.-Psych. Annegret Müller-Lüdenscheidt", "Psychologische Psychotherapeutin"),
    "ben": ("Bernd Übelacker", "Heilpraktiker für Psychotherapie"),
}
ARABIC: Names = {
    "practice": ("عيادة دوار الدردار للعلاج النفسي والإرشاد الأسري", ""),
    "main": ("الفرع الرئيسي في شارع الجمهورية", "١٢ شارع الجمهورية، الطابق الثالث، القاهرة"),
    "annex": ("فرع المعادي", "٢ شارع النيل، القاهرة"),
    "in-person": ("حضوريًا في العيادة", ""),
    "phone": ("مكالمة هاتفية", ""),
    "visit": ("جلسة علاج نفسي فردية", ""),
    "call": ("مكالمة قصيرة", ""),
    "ada": ("الدكتورة ليلى عبد الرحمن الخطيب", "أخصائية نفسية"),
    "ben": ("بشير إبراهيم", ""),
}


def wordy(names: Names) -> dict[str, Any]:
    data = practice(name=names["practice"][0])
    beside = {"locations": "address", "providers": "title", "contact_types": "", "appointment_types": ""}
    for what, second in beside.items():
        for each in data[what]:
            each["name"], more = names[each["key"]]
            if second and more:
                each[second] = more
    return data

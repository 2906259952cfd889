//! What the explorer's pages for families and learners say, in each of their languages, and the frame around them.

use aula_ledger::access::{AccessEntry, Basis, Denial, Purpose, Relation};

use aula_vault::access::INSPECTION;

use aula_web::lang::{Lang, phrases};

phrases! { Say {
    ToContent: "To the content", "Ir al contenido";
    Chain: "Chain", "Cadena";
    AsOf: "as of height", "hasta la altura";
    Live: "live", "en vivo";
    Newer: "newer blocks: reload", "hay bloques nuevos: recargue";
    Lost: "not connected, trying again", "sin conexión, se intenta de nuevo";
    Copy: "Copy link", "Copiar enlace";
    Copied: "Copied", "Copiado";
    NotCopied: "Not allowed by the browser", "El navegador no lo permite";
    Search: "Search", "Buscar";
    SearchWhat: "height, hash, district, school 11, round 3", "altura, hash, distrito, school 11, round 3";
    Pages: "Pages", "Páginas";
    Language: "Language", "Idioma";
    English: "Pages without a language of their own are in English.", "Las demás páginas están en inglés.";
    ForPrograms: "For programs: ", "Para programas: ";
    Description: "API description", "descripción de la API";
    Status: "status", "estado";
    Metrics: "metrics", "métricas";
    OneWord: "These pages are one node's word; ", "Estas páginas son la palabra de un solo nodo; ";
    VerifyLink: "verify", "verificar";
    ChecksThem: " checks them in your own browser. SHA-256 of the ", " las comprueba en su propio navegador. SHA-256 del ";
    Genesis: "genesis", "génesis";
    OfVerifier: "; of the verifier: ", "; del verificador: ";
    Compare: ". Compare both with the published ones: a lying node would serve its own.",
        ". Compare ambos con los publicados: un nodo que miente serviría los suyos.";
    WordsHere: "Words on this page", "Palabras de esta página";

    Verify: "Verify", "Verificar";
    VerifyWhat: "Verify {}", "Verificar {}";
    VerifyWhy: "Do not trust this page: your own browser checks it, figure by figure. Or offline: ",
        "No se fíe de esta página: su propio navegador la comprueba, cifra por cifra. O sin conexión: ";
    TheBundle: "the bundle", "el paquete de pruebas";
    With: " with ", " con ";
    Checking: "Checking …", "Comprobando…";
    Verified: "Verified. ", "Verificado. ";
    NotVerified: "Not verified. ", "No verificado. ";
    Fallen: "Verified, but the decision does not stand any more. ", "Verificado, pero la decisión ya no está en vigor. ";
    NotChecked: "not checked", "no se comprobó";
    ChooseFirst: "choose the file first", "elija primero el archivo";
    Figures: "figures on this page", "cifras de esta página";
    FiguresSame: "{} figures on this page are the proven ones; they are outlined.", "{} cifras de esta página son las probadas; están enmarcadas.";
    FiguresOther: "{} figures on this page are not the proven ones.", "{} cifras de esta página no son las probadas.";
    Hold: "{} records of this kind hold.", "{} registros de este tipo se cumplen.";
    Sentences: "The verifier's own sentences are in English.", "Las frases del propio verificador están en inglés.";
    VerifyLead: "A figure here is worth what its proof is worth. The button fetches a bundle (the figures, the path of hashes from them to a block, and the validators' signatures under it) and the genesis, and checks one against the other in your browser, without asking this node anything else.",
        "Una cifra vale lo que vale su prueba. El botón descarga un paquete (las cifras, el camino de hashes hasta un bloque y las firmas de los validadores) y el génesis, y los contrasta en su navegador, sin preguntar nada más a este nodo.";
    VerifyOf: "budgets, parameters and newest rounds", "presupuestos, parámetros y rondas recientes";
    NotFromHere: "What must not come from this node", "Lo que no debe venir de este nodo";
    NotFromHereWhy: "A lying node would serve its own genesis and its own verifier. Compare both fingerprints with those that the consortium published elsewhere:",
        "Un nodo que miente serviría su propio génesis y su propio verificador. Compare ambas huellas con las que el consorcio publicó en otro lugar:";
    GenesisPrint: "Genesis, SHA-256", "Génesis, SHA-256";
    VerifierPrint: "Verifier, SHA-256", "Verificador, SHA-256";
    PinBefore: "To pin them, open any page with ", "Para fijarlas, abra cualquier página con ";
    PinAfter: " (64 digits each) at the end of its address: verification then fails when what this node serves has another fingerprint.",
        " (64 dígitos cada una) al final de su dirección: la verificación falla si lo que sirve este nodo tiene otra huella.";
    NotShownHere: "What it does not show", "Lo que no muestra";
    NotShownWhy: "These pages have nothing to verify: search, {}. On the others outlined figures are proved; what stands beside them without an outline, such as whether a decision still stands, acknowledgements and audits, is this node's word. An act that names a student or tells a withheld count has its proof in auditors' hands, and how often a validator signed is counted by this node from all certificates.",
        "Estas páginas no tienen nada que verificar: búsqueda, {}. En las demás, las cifras enmarcadas están probadas; lo que está al lado sin marco, como si una decisión sigue en vigor, los acuses y las auditorías, es la palabra de este nodo. La prueba de un acto que nombra a un estudiante o da un recuento reservado la tienen los auditores, y cuántas veces firmó un validador lo cuenta este nodo a partir de todos los certificados.";
    ProvesBefore: "A public bundle proves that the published figures are what more than two thirds of the validators signed. That a round's result is optimal follows from its rows, which are pseudonymous and not public: the auditor's bundle (",
        "Un paquete público prueba que las cifras publicadas son las que firmaron más de dos tercios de los validadores. Que el resultado de una ronda es óptimo se deduce de sus filas, que llevan seudónimos y no son públicas: el paquete del auditor (";
    ProvesMiddle: ") holds them, and ", ") las contiene, y ";
    ProvesAfter: " proves the optimum from them. That an anchored need is true is what the audits of drawn students are for.",
        " prueba el óptimo a partir de ellas. Para que una necesidad anclada sea cierta están las auditorías de estudiantes sorteados.";
    CheckBadge: "A credential", "Una credencial";
    CheckBadgeLead: "The code on a badge opens this page. Whoever has the badge's file judges it with ", "El código de una insignia abre esta página. Quien tenga el archivo de la insignia la juzga con ";
    CheckBadgeAfter: ": signature, dates, issuer and whether it was revoked. The proof of its milestone is a bundle, which is checked right here:",
        ": firma, fechas, emisor y si fue revocada. La prueba de su logro es un paquete, que se comprueba aquí mismo:";
    BadgeFile: "The milestone's bundle", "El paquete del logro";

    Families: "For families", "Para familias";
    FamiliesLead: "Why did my child get this place, or none? Your district can give you a file about your child's decision and about nobody else's. Here your own browser checks it: that the decision stands on the ledger, that it follows from what was requested, and that at the ",
        "¿Por qué obtuvo mi hijo o hija esta plaza, o ninguna? Su distrito puede darle un archivo sobre la decisión de su hijo o hija y de nadie más. Aquí su propio navegador lo comprueba: que la decisión consta en el registro, que se sigue de lo que se solicitó y que a los ";
    Prices: "prices", "precios";
    OfThis: " of this ", " de esta ";
    Round: "round", "ronda";
    NoOther: " no other place was better.", " ninguna otra plaza era mejor.";
    CheckFile: "Check a file", "Comprobar un archivo";
    DistrictsFile: "The district's file", "El archivo del distrito";
    CheckTheFile: "Check the file", "Comprobar el archivo";
    Stays: " It stays in this browser: it is not sent anywhere.", " Se queda en este navegador: no se envía a ninguna parte.";
    Ask: "What you can ask your district", "Qué puede pedir a su distrito";
    AskFile: "The file about the decision. ", "El archivo sobre la decisión. ";
    NobodyElse: "Nobody else's", "Ningún dato de otra persona";
    NobodyElseAfter: " data is in it.", " figura en él.";
    AskWhatIf: "What would have changed it: another need band, other wishes. The district computes it exactly, by solving the round again.",
        "Qué la habría cambiado: otra banda de necesidad, otras preferencias. El distrito lo calcula con exactitud, resolviendo la ronda de nuevo.";
    AskReads: "Who looked at your child's record, for what, and on which legal basis: each look is in a log whose fingerprint stands on this ledger.",
        "Quién consultó el expediente de su hijo o hija, para qué y con qué base legal: cada consulta está en un registro cuya huella consta en esta cadena.";
    IfWrong: "If something is wrong", "Si algo está mal";
    IfWrongHow: "A decision can be taken back by the consortium; the history stays. The school or district is where to object, and a file that fails here is evidence.",
        "El consorcio puede revocar una decisión; la historia queda. Reclame en la escuela o el distrito; un archivo que aquí falla es una prueba.";

    ChildsDecisions: "Your child's decisions", "Las decisiones sobre su hijo o hija";
    ChildsLead: "School year {}, district {}. This page is about one student; whoever has its address can read it until {} UTC, or until the district revokes it.",
        "Curso {}, distrito {}. Esta página trata de un solo estudiante; quien tenga su dirección puede leerla hasta el {} UTC o hasta que el distrito la revoque.";
    NoDecision: "No decision on a request of this student is on the ledger.", "No consta en el registro ninguna decisión sobre una solicitud de este estudiante.";
    WhatElse: "What another need band or other wishes would have brought exactly, your district computes by solving the round again.",
        "Qué habría dado exactamente otra banda de necesidad u otras preferencias lo calcula su distrito resolviendo la ronda de nuevo.";
    Fell: " This decision no longer stands: a later one took its place, or it was taken back.",
        " Esta decisión ya no está en vigor: otra posterior la sustituyó o fue revocada.";
    Why: "Why", "Por qué";
    DecidedIn: "Decided in ", "Decidido en el ";
    InBlock: "block {}", "bloque {}";
    InRound: ", in ", ", en la ";
    RoundN: "round {}", "ronda {}";
    ThisDecision: "this decision", "esta decisión";
    Asked: "Asked for: {}. Need band {} of 9{}, home school {}.", "Solicitado: {}. Banda de necesidad {} de 9{}, escuela de origen {}.";
    Then: ", then ", "; después ";
    Mandated: ", with a mandate", ", con mandato";
    Waits: "There was no place; the student waits.", "No hubo plaza; queda en lista de espera.";
    Placed: "A place: {} at school {}, choice number {}.", "Una plaza: {} en la escuela {}, opción número {}.";
    PlaceAt: "{} at school {}", "{} en la escuela {}";
    Waiting: "Waiting", "La lista de espera";
    Best: "{} is the best place at these prices.", "{} es lo mejor a estos precios.";
    OffBy: "{} is within the round's proven gap, but off the best place at these prices by {}.", "{} está dentro del margen probado de la ronda, pero a {} de lo mejor a estos precios.";
    AsGood: "{} is as good at these prices; the lottery chose.", "{} es igual de buena a estos precios; decidió el sorteo.";
    Better: "{} would have been better by {} points, but its price was higher by {}.", "{} habría sido mejor por {} puntos, pero su precio era mayor por {}.";
    Points: "Points are those of the round's weighted cost, not money. A price is where a place found as many takers as it has room for.",
        "Los puntos son los del coste ponderado de la ronda, no dinero. Un precio es aquel con el que una plaza encontró tantos interesados como caben.";
    MorePlaces: "{} more places that would have been better and were dearer", "{} plazas más que habrían sido mejores y eran más caras";
    PlaceHead: "Place", "Plaza";
    BetterBy: "Better by", "Mejor por";
    DearerBy: "Price higher by", "Precio mayor por";
    BandHead: "Band needed", "Banda necesaria";
    BandNeeded: "At these prices a band of at least {} would be needed (necessary, not sufficient).", "A estos precios haría falta una banda de al menos {} (necesario, no suficiente).";

    Looked: "Who looked at your child's record", "Quién consultó el expediente de su hijo o hija";
    LookedLead: "Each look is listed before anything is given, a refused one too; the log's fingerprint stands on this ledger, so that no line can be changed or taken out unseen.",
        "Cada consulta se anota antes de entregar nada, también la denegada; la huella del registro consta en esta cadena, de modo que ninguna línea puede cambiarse ni quitarse sin que se vea.";
    NotNow: "This node cannot show it at this moment. Try again in a minute, or ask your district.",
        "Este nodo no puede mostrarlo en este momento. Inténtelo en un minuto o pregunte a su distrito.";
    Nobody: "Nobody so far.", "Nadie hasta ahora.";
    ReadBy: "{} UTC: {} as {}{}, for {}{}: ", "{} UTC: {} como {}{}, para {}{}: ";
    Given: "was given {}", "recibió {}";
    Refused: "asked for {} and was refused: {}", "pidió {} y se le denegó: {}";
    NotYet: " (not on the ledger yet).", " (aún no consta en la cadena).";
    Older: "And {} older ones, which the district lists.", "Y {} anteriores, que el distrito detalla.";
} }

/// How a reader stands to the student.
pub(super) fn relation(relation: &Relation, lang: Lang) -> String {
    match (lang, relation) {
        (Lang::En, relation) => relation.explain(),
        (Lang::Es, Relation::Office) => "cuya oficina atiende a todos los estudiantes".to_owned(),
        (Lang::Es, Relation::Section(section)) => format!("del grupo {section} del estudiante"),
        (Lang::Es, Relation::School(school)) => format!("de la escuela {school} del estudiante"),
        (Lang::Es, Relation::Own) => "de quien es el expediente".to_owned(),
        (Lang::Es, Relation::Family) => "de la familia del estudiante".to_owned(),
    }
}

/// On what a read rests.
pub(super) const fn basis(basis: Basis, lang: Lang) -> &'static str {
    match (lang, basis) {
        (Lang::En, basis) => basis.explain(),
        (Lang::Es, Basis::SchoolOfficial) => "personal escolar con un interés educativo legítimo",
        (Lang::Es, Basis::InstitutionalService) => "un servicio del propio distrito, bajo su control",
        (Lang::Es, Basis::AuditOrEvaluation) => "un representante autorizado que audita el programa",
        (Lang::Es, Basis::Consent) => "el consentimiento de la familia",
        (Lang::Es, Basis::Inspection) => "el derecho a consultar el propio expediente o el de su hijo o hija",
    }
}

/// Why a read was refused.
pub(super) const fn denial(denial: Denial, lang: Lang) -> &'static str {
    match (lang, denial) {
        (Lang::En, denial) => denial.explain(),
        (Lang::Es, Denial::InsufficientData) => {
            "datos insuficientes: falta o no se conoce el papel, la clase, el fin o el consentimiento; nada se entrega por suposición"
        }
        (Lang::Es, Denial::CredentialRefused) => "la credencial no se acepta",
        (Lang::Es, Denial::RoleNotAllowed) => "este papel no puede leer esta clase de datos",
        (Lang::Es, Denial::PurposeNotAllowed) => "este fin no justifica leer esta clase de datos",
        (Lang::Es, Denial::ConsentWithdrawn) => "la familia retiró su consentimiento para este fin",
        (Lang::Es, Denial::NothingNeeded) => "este papel no necesita ninguno de los campos pedidos",
        (Lang::Es, Denial::Erased) => "el expediente se borró; no queda nada que leer",
        (Lang::Es, Denial::NoRelation) => {
            "la lista no indica que quien lee enseñe u oriente a este estudiante"
        }
    }
}

/// A role or purpose of the log; one that is not known is shown as it stands.
pub(super) fn term(entry: &AccessEntry, lang: Lang) -> (String, String) {
    let (role, purpose) = (entry.role.as_str(), entry.purpose.as_str());
    if lang == Lang::En {
        return (role.to_owned(), purpose.replace('_', " "));
    }
    let role = match role {
        "teacher" => "docente",
        "counselor" => "orientación",
        "admin" => "administración",
        "service" => "servicio",
        "auditor" => "auditoría",
        "operator" => "operación",
        "student" => "estudiante",
        "family" => "familia",
        other => other,
    };
    let known = Purpose::ALL.into_iter().find(|known| known.name() == purpose);
    let spanish = match known {
        Some(Purpose::EducationalNecessity) => "necesidad educativa",
        Some(Purpose::ResourceAllocation) => "reparto de recursos",
        Some(Purpose::AuditEvaluation) => "auditoría o evaluación",
        Some(Purpose::InstitutionalService) => "servicio de la institución",
        Some(Purpose::EvidenceOpening) => "apertura de una prueba",
        None if purpose == INSPECTION => "consulta del expediente",
        None => purpose,
    };
    (role.to_owned(), spanish.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_fills_in_as_much_in_each_language() {
        for say in Say::ALL {
            let holes = |lang| say.said(lang).matches("{}").count();
            assert_eq!(holes(Lang::En), holes(Lang::Es), "{say:?}");
            assert!(!say.said(Lang::Es).is_empty());
        }
    }
}

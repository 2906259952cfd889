//! What a dashboard says, in each of its languages.

pub(crate) use crate::lang::Lang;
use crate::lang::phrases;

phrases! { Word {
    Title: "Learning dashboard", "Panel de aprendizaje";
    NotShown: "This dashboard cannot be shown", "No se puede mostrar este panel";
    NoLink: "This address is not a link of this district. Check that it was copied whole, or ask the school for a new one.",
        "Esta dirección no es un enlace de este distrito. Compruebe que la copió entera o pida otra a la escuela.";
    LinkExpired: "This link has expired. Ask the school for a new one.", "Este enlace ha caducado. Pida otro a la escuela.";
    LinkRevoked: "The district withdrew this link. Ask the school for a new one.", "El distrito retiró este enlace. Pida otro a la escuela.";
    NoSession: "This page was opened too long ago, or in another browser. Open the link that you were given once more.",
        "Esta página se abrió hace demasiado tiempo o en otro navegador. Abra otra vez el enlace que le dieron.";
    Erased: "The student's record was erased, as was asked for. Nothing is left to show.",
        "El expediente se borró, como se pidió. No queda nada que mostrar.";
    ConsentWithdrawn: "The family withdrew its consent, so that this reader sees nothing any more.",
        "La familia retiró su consentimiento; este lector ya no puede ver nada.";
    NoRelation: "The district's roster does not say that you teach this student. Ask the office to correct it.",
        "La lista del distrito no indica que usted enseñe a este estudiante. Pida a la oficina que la corrija.";
    NoConsent: "The family's consent is not recorded, and nothing is shown on a guess. Ask the office.",
        "No consta el consentimiento de la familia y no se muestra nada por suposición. Pregunte en la oficina.";
    Elsewhere: "This node does not keep this district's records. Open the link at the district's own address.",
        "Este nodo no guarda los expedientes de este distrito. Abra el enlace en la dirección del distrito.";
    Closed: "The district is working on its records at this moment. Try again in a minute.",
        "El distrito está trabajando con los expedientes en este momento. Inténtelo de nuevo en un minuto.";
    Full: "As many dashboards as may are open. Try again in a minute.", "Hay demasiados paneles abiertos. Inténtelo de nuevo en un minuto.";
    Unusable: "The records cannot be read now. The district's operator finds why in the node's log.",
        "Ahora no se pueden leer los expedientes. El operador del distrito verá la causa en el registro del nodo.";
    BadText: "Write what should stand there, in at most 2,000 characters.", "Escriba qué debería decir, en 2000 caracteres como máximo.";
    TooMany: "Twenty corrections wait for an answer already. Wait for the district's answers.",
        "Ya hay veinte correcciones sin respuesta. Espere las respuestas del distrito.";
    Foreign: "This was sent from another site's page, and is not taken.", "Se envió desde la página de otro sitio y no se acepta.";
    Skip: "To the content", "Ir al contenido";
    Live: "live", "en vivo";
    Paused: "paused: what stands here may be old", "en pausa: lo que ve puede no estar al día";
    Ended: "ended: open your link again", "terminado: abra otra vez su enlace";
    LanguageLabel: "Language", "Idioma";
    AsStudent: "You read your own record, as {}.", "Está leyendo su propio expediente, como {}.";
    AsFamily: "You read your child's record, as {}.", "Está leyendo el expediente de su hijo o hija, como {}.";
    AsTeacher: "You read this student's record as the teacher {}.", "Está leyendo el expediente de este estudiante como docente {}.";
    Listed: "Each look at it is listed, this one too. Times are UTC.", "Cada consulta queda registrada, también esta. Las horas son UTC.";
    NextSteps: "What to practise next", "Qué practicar ahora";
    NoNext: "No unit is begun and below the gate.", "No hay ninguna unidad empezada por debajo del umbral.";
    NextWhy: "Unit {}: now {}. Ten minutes of practice are expected to add {} points, more than any unit below; the next unit opens above {}.",
        "Unidad {}: ahora {}. Diez minutos de práctica deberían sumar {} puntos, más que las siguientes; la unidad siguiente se abre por encima de {}.";
    NextThen: "Then unit {}: now {}, expected to add {} points.", "Después, la unidad {}: ahora {}, debería sumar {} puntos.";
    Mastery: "Mastery by unit", "Dominio por unidad";
    MasteryLead: "The bar is the chance of a right answer to a middling question of the unit, the tick the gate to the next unit, and how sure the estimate is stands beside it.",
        "La barra es la probabilidad de acertar una pregunta media de la unidad, la marca es el umbral de la siguiente, y al lado figura la seguridad de la estimación.";
    Unit: "Unit", "Unidad";
    Level: "Mastery", "Dominio";
    Sure: "How sure", "Seguridad";
    Answers: "Answers", "Respuestas";
    Stage: "Stage", "Etapa";
    Learning: "practising", "en práctica";
    Advanced: "next unit open", "siguiente abierta";
    MoreUnits: "And {} more units with fewer answers.", "Y {} unidades más con menos respuestas.";
    Moves: "What moved it", "Qué lo ha movido";
    MoveAnswer: "an answer in unit {}", "una respuesta en la unidad {}";
    MoveAnswers: "{} answers in unit {}", "{} respuestas en la unidad {}";
    MoveTest: "a test in unit {}", "una prueba en la unidad {}";
    MoveWritten: "a written answer", "una respuesta escrita";
    MoveSession: "a session: engagement", "una sesión: participación";
    MoveSessions: "{} sessions: engagement", "{} sesiones: participación";
    MoveMark: "a mark in the register: attendance", "una marca en el registro: asistencia";
    MoveMarks: "{} marks in the register: attendance", "{} marcas en el registro: asistencia";
    MoveResource: "use of resource {}", "uso del recurso {}";
    MoveSupport: "support began or ended", "empezó o terminó un apoyo";
    MoveRecorded: "the office recorded something that need is computed from", "la oficina registró un dato del que se calcula la necesidad";
    MoveAmended: "an earlier event was corrected", "se corrigió un hecho anterior";
    FromTo: "from {} to {}", "de {} a {}";
    Trends: "Engagement and attendance", "Participación y asistencia";
    TrendsLead: "Per cent by week over the last twelve weeks, the newest at the right; a week of which nothing is known has no dot.",
        "Por ciento por semana en las últimas doce semanas, la más reciente a la derecha; una semana de la que no consta nada no tiene punto.";
    Engagement: "Engagement", "Participación";
    Attendance: "Attendance", "Asistencia";
    EngagementNow: "Now {}, usually {}.", "Ahora {}, habitualmente {}.";
    LowSince: "Low since {}.", "Baja desde {}.";
    AttendanceNow: "Lately {}. In all: {} present, {} late, {} absent, {} excused.",
        "Últimamente {}. En total: presente {}, tarde {}, ausente {}, con excusa {}.";
    NoAttendance: "Nothing stands in the register yet.", "Todavía no consta nada en el registro.";
    NoResource: "No use of a resource is recorded yet.", "Todavía no consta el uso de ningún recurso.";
    WeeksBack: "Weeks ago", "Hace semanas";
    NumbersBehind: "The same in numbers", "Lo mismo en números";
    ChartOf: "{} over twelve weeks, newest last; the numbers are in the table below it", "{} en doce semanas, la más reciente al final; los números están en la tabla siguiente";
    Resources: "Resources", "Recursos";
    Resource: "Resource", "Recurso";
    Uses: "Times used", "Veces usado";
    Minutes: "Minutes", "Minutos";
    UsedShare: "Of the time at hand", "Del tiempo disponible";
    LastUsed: "Last used", "Último uso";
    Support: "Support", "Apoyo";
    NoSupport: "No support runs.", "No hay ningún apoyo en curso.";
    SupportRuns: "Support runs since {}.", "Hay un apoyo en curso desde {}.";
    SupportClosed: "{} ended; across the last one the chance of a right answer changed by {} points, which need not be because of it.",
        "{} terminados; durante el último, la probabilidad de acertar cambió {} puntos, no necesariamente por él.";
    Decisions: "Asked for, and decided", "Solicitado y decidido";
    NoDecision: "Nothing was asked for this year.", "Este año no se ha solicitado nada.";
    DecisionAsked: "Asked for: {}, need band {} of 9.", "Solicitado: {}; banda de necesidad {} de 9.";
    DecisionWaits: "It is not decided yet.", "Aún no se ha decidido.";
    DecisionNone: "There was no place; the student waits.", "No hubo plaza; queda en lista de espera.";
    DecisionPlaced: "A place: {} at school {}, choice number {}.", "Una plaza: {} en la escuela {}, opción número {}.";
    DecisionFell: "This decision no longer stands.", "Esta decisión ya no está en vigor.";
    DecisionRound: "Round {}, with its proof", "Ronda {}, con su prueba";
    Wrong: "This is wrong", "Esto es incorrecto";
    WrongLead: "Say what is wrong and what should stand there. The district answers within 45 days, here; if it refuses, you may ask for a hearing.",
        "Diga qué es incorrecto y qué debería decir. El distrito responde aquí en 45 días; si lo deniega, puede pedir una audiencia.";
    WrongAbout: "What is it about?", "¿De qué se trata?";
    WrongSays: "What should stand there, and why?", "¿Qué debería decir, y por qué?";
    Record: "The whole record", "El expediente completo";
    RecordLead: "Everything the district keeps of the student, in every school year: fields, events, decisions, corrections, who reads it and who read it.",
        "Todo lo que el distrito conserva del estudiante, de cada curso: campos, eventos, decisiones, correcciones, quién puede leerlo y quién lo leyó.";
    RecordFile: "Download the record (JSON)", "Descargar el expediente (JSON)";
    WrongOther: "Something else", "Otra cosa";
    Send: "Send to the district", "Enviar al distrito";
    CorrectionAsked: "{}: asked on {}.", "{}: solicitada el {}.";
    CorrectionOpen: "Open; to be answered by {}.", "Abierta; debe responderse antes del {}.";
    CorrectionAmended: "Amended on {}: {}", "Corregida el {}: {}";
    CorrectionRefused: "Refused on {}: {} You may ask for a hearing (34 CFR 99.21).", "Denegada el {}: {} Puede pedir una audiencia (34 CFR 99.21).";
}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_fills_in_as_much_in_each_language() {
        for word in Word::ALL {
            let holes = |lang| word.said(lang).matches("{}").count();
            assert_eq!(holes(Lang::En), holes(Lang::Es), "{word:?}");
            assert!(!word.said(Lang::Es).is_empty());
        }
        assert_eq!(Word::FromTo.with(Lang::Es, &["1", "2"]), "de 1 a 2");
    }
}

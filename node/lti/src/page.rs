//! The pages: a login on its way, a browser that confirms it, what a user sees, a choice to send back.
//!
//! Invariants: text of others is escaped; scripts and styles carry the answer's own nonce; a page may be framed by registered
//! platforms only, keeps nothing, and sends its address nowhere.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use aula_foreign::secret::drawn;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem;max-width:44rem;color:#1a1a1a;background:#fff}\
                     table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1rem .2rem 0}button{font:inherit;padding:.4rem 1rem}";

/// Text within HTML or between double quotes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// Who may frame a page, and where its form may go.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Origins of registered platforms.
    pub ancestors: Vec<String>,
    /// The origin that a form goes to.
    pub form: Option<String>,
}

/// A page with its headers.
pub fn page(status: StatusCode, frame: &Frame, title: &str, body: &str, script: Option<&str>) -> Response {
    let nonce = drawn();
    let script =
        script.map(|script| format!("<script nonce=\"{nonce}\">{script}</script>")).unwrap_or_default();
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{}</title><style nonce=\"{nonce}\">{STYLE}</style></head>\
         <body><main>{body}</main>{script}</body></html>",
        escaped(title)
    );
    let list = |list: &[String]| if list.is_empty() { "'none'".to_owned() } else { list.join(" ") };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; base-uri 'none'; \
         form-action {}; frame-ancestors {}",
        frame.form.as_deref().unwrap_or("'none'"),
        list(&frame.ancestors),
    );
    let mut response = (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    // Origins are of letters, digits, dots and colons.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal with what to do.
pub fn refusal(status: StatusCode, frame: &Frame, why: &str) -> Response {
    let body = format!("<h1>This did not open</h1><p role=\"alert\">{}</p>", escaped(why));
    page(status, frame, "Aula: not opened", &body, None)
}

/// Asks the platform to store what the browser keeps, then goes on with the login.
pub fn store_and_go(
    frame: &Frame,
    (storage, origin): (&str, &str),
    (key, value, next): (&str, &str, &str),
) -> Response {
    let body = format!(
        "<p>Signing in …</p><p><a id=\"go\" href=\"{}\" data-storage=\"{}\" data-origin=\"{}\" data-key=\"{}\" \
         data-value=\"{}\">Go on</a></p>",
        escaped(next),
        escaped(storage),
        escaped(origin),
        escaped(key),
        escaped(value)
    );
    page(StatusCode::OK, frame, "Aula: signing in", &body, Some(&format!("{SAY}{STORE}")))
}

/// Asks the platform for what the browser keeps, and confirms the launch with it.
pub fn confirm(frame: &Frame, (storage, origin): (&str, &str), (key, state): (&str, &str)) -> Response {
    let body = format!(
        "<div id=\"view\" data-storage=\"{}\" data-origin=\"{}\" data-key=\"{}\" data-state=\"{}\"><p>Opening …</p></div>",
        escaped(storage),
        escaped(origin),
        escaped(key),
        escaped(state)
    );
    // The bearer goes back in a form, for the dashboard.
    let frame = Frame { form: Some("'self'".into()), ..frame.clone() };
    page(StatusCode::OK, &frame, "Aula", &body, Some(&format!("{SHOW}{SAY}{CONFIRM}")))
}

/// What a user sees; the bearer stands in the page and nowhere else.
pub fn session(frame: &Frame, bearer: &str) -> Response {
    let body = format!("<div id=\"view\" data-bearer=\"{}\"><p>Opening …</p></div>", escaped(bearer));
    page(StatusCode::OK, frame, "Aula", &body, Some(&format!("{SHOW}show(view.dataset.bearer);")))
}

/// The choice that goes back to the platform.
pub fn choice(frame: &Frame, return_url: &str, token: &str) -> Response {
    let body = format!(
        "<h1>Add Aula to this course</h1><p>Each student who opens the link sees what is recorded of that student alone, each \
         teacher the own sections.</p><form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"JWT\" \
         value=\"{}\"><button>Add the link</button></form>",
        escaped(return_url),
        escaped(token)
    );
    page(StatusCode::OK, frame, "Aula: add a link", &body, None)
}

/// Speaks to the platform's storage: `say(subject, members, then)`, which gives up after two seconds.
const SAY: &str = "function say(of,subject,members,then){const up=window.parent!==window?window.parent:window.opener;if(!up){then(null);return}\
let at=up;try{if(of.storage&&of.storage!=='_parent'&&up.frames[of.storage])at=up.frames[of.storage]}catch(e){}\
const id=subject+'-'+of.key;let done=false;const end=m=>{if(!done){done=true;then(m)}};\
addEventListener('message',e=>{if(e.origin===of.origin&&e.data&&e.data.subject===subject+'.response'&&e.data.message_id===id)end(e.data)});\
setTimeout(()=>end(null),2000);at.postMessage(Object.assign({subject:subject,message_id:id,key:of.key},members),of.origin)}";

const STORE: &str = "const go=document.getElementById('go');\
say(go.dataset,'lti.put_data',{value:go.dataset.value},()=>location.replace(go.href));";

const SHOW: &str = "const view=document.getElementById('view');\
function put(tag,text,into){const e=document.createElement(tag);e.textContent=text;(into||view).append(e);return e}\
function rows(list){const t=put('table','');for(const [a,b] of list){const r=put('tr','',t);put('th',a,r);put('td',b,r)}}\
function told(m){view.replaceChildren();const p=put('p',m);p.setAttribute('role','alert')}\
async function show(bearer){const r=await fetch('me',{headers:{Authorization:'Bearer '+bearer}});const d=await r.json();\
if(!r.ok){told(d.error.message);return}view.replaceChildren();\
if(d.student){const s=d.student;put('h1','What is recorded of you');\
put('p',s.newest_ms?'The newest is of '+new Date(s.newest_ms).toLocaleDateString()+'.':'Nothing is recorded yet.');\
rows(s.events.map(([k,n])=>[k.replaceAll('_',' '),n]));put('p',s.mastered+' of '+s.practised+' practised skills are at 85 of 100 or more.')}\
else{put('h1','Your sections');for(const s of d.sections){put('h2',s.section);rows([['Students on the roster',s.students.length],\
['Also in this course',s.in_course===null?'not asked':s.in_course]])}if(!d.sections.length)put('p','The roster names no section of yours.')}}";

const CONFIRM: &str = "say(view.dataset,'lti.get_data',{},async m=>{if(!m||typeof m.value!=='string'){\
told('The platform did not answer: open the link again in a new window.');return}\
const r=await fetch('confirm',{method:'POST',headers:{'Content-Type':'application/json'},\
body:JSON.stringify({state:view.dataset.state,browser:m.value})});\
const d=await r.json();if(!r.ok){told(d.error.message);return}if(!d.dashboard){show(d.bearer);return}\
const f=document.createElement('form');f.method='post';f.action='dashboard';const i=document.createElement('input');i.type='hidden';\
i.name='bearer';i.value=d.bearer;f.append(i);document.body.append(f);f.submit()});";

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::people::{ElicitKind, Phase, Profile, Risk};

#[expect(clippy::unnecessary_wraps, reason = "reads as the field that it fills")]
fn handler<Q, A, F>(answer: impl Fn(Q) -> F + Send + Sync + 'static) -> Option<Callback<Q, A>>
where
    F: Future<Output = Result<A, CallbackError>> + Send + 'static,
{
    Some(Arc::new(move |question| Box::pin(answer(question))))
}

#[derive(Default)]
struct Handlers {
    elicit: Option<Callback<ElicitQuestion, ElicitAnswer>>,
    approval: Option<Callback<ApprovalQuestion, Decision>>,
    uplink: Option<Callback<UplinkEvent, Delivery>>,
}

fn desk(handlers: Handlers) -> Desk {
    desk_on(Handle::current(), handlers, DeskTimeouts::default())
}

fn desk_on(runtime: Handle, handlers: Handlers, timeouts: DeskTimeouts) -> Desk {
    Desk::new(runtime, handlers.elicit, handlers.approval, handlers.uplink, timeouts)
}

fn person(name: &str) -> Principal {
    Principal::parse(name).unwrap()
}

fn value() -> ElicitDraft {
    ElicitDraft {
        principal: person("alice"),
        capsule: "notes".into(),
        phase: Phase::Install,
        key: "name".into(),
        kind: ElicitKind::Text,
        description: String::new(),
        options: vec![],
        default: None,
    }
}

fn request() -> ApprovalDraft {
    ApprovalDraft {
        principal: person("alice"),
        capsule: "notes".into(),
        action: "delete".into(),
        resource: "/x".into(),
    }
}

fn uplink() -> UplinkInfo {
    UplinkInfo {
        id: "id".into(),
        name: "main\u{200b}".into(),
        platform: "telegram".into(),
        profile: Profile::Chat,
        capsule: "bot".into(),
        principal: person("alice"),
    }
}

fn message() -> UplinkDraft {
    UplinkDraft {
        principal: person("alice"),
        uplink: uplink(),
        platform_user_id: "u\u{202e}".into(),
        content: "hi\nthere\u{202e}".into(),
        resolved: None,
    }
}

/// Tells when it is dropped, as a handler's future is when its question is taken back.
struct Gone(Option<oneshot::Sender<()>>);

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(gone) = self.0.take() {
            let _ = gone.send(());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_handlers_answer_reaches_the_caller() {
    let desk = desk(Handlers {
        elicit: handler(|question: ElicitQuestion| async move { Ok(ElicitAnswer::Text(question.key)) }),
        approval: handler(|question: ApprovalQuestion| async move {
            assert!(question.deadline > SystemTime::now());
            Ok(if question.risk == Risk::High { Decision::Deny } else { Decision::Approve })
        }),
        uplink: handler(|event| async move {
            let UplinkEvent::Message(message) = event else { return Ok(Delivery::Dropped) };
            assert_eq!(message.platform_user_id, "u\\u{202e}");
            assert_eq!(message.content, "hi\nthere\\u{202e}");
            Ok(Delivery::NoSession)
        }),
    });
    assert_eq!(desk.elicit(value()).await.unwrap(), ElicitAnswer::Text("name".into()));
    assert_eq!(desk.approve(request()).await.unwrap(), Decision::Deny);
    assert_eq!(desk.uplink(message()).await.unwrap(), Delivery::NoSession);
}

#[tokio::test]
async fn without_a_handler_there_is_no_answer() {
    let desk = desk(Handlers::default());
    assert!(matches!(desk.elicit(value()).await, Err(Unanswered::NoHandler)));
    assert!(matches!(desk.approve(request()).await, Err(Unanswered::NoHandler)));
    assert!(matches!(desk.uplink(message()).await, Err(Unanswered::NoHandler)));
    desk.uplink_registered(uplink());
    desk.uplink_unregistered(uplink());
}

#[tokio::test(start_paused = true)]
async fn time_runs_out_at_the_contracts_limit_at_most_and_the_handler_is_stopped() {
    let (gone, when_gone) = oneshot::channel();
    let gone = Mutex::new(Some(gone));
    let handlers = Handlers {
        elicit: handler(move |_| {
            let gone = Gone(gone.lock().take());
            async move {
                let _gone = gone;
                std::future::pending().await
            }
        }),
        approval: handler(|_| std::future::pending()),
        uplink: handler(|_| std::future::pending()),
    };
    let timeouts = DeskTimeouts {
        elicit: Duration::MAX,
        approval: Duration::from_millis(300),
        uplink: Duration::from_mins(1),
    };
    let desk = desk_on(Handle::current(), handlers, timeouts);
    let start = tokio::time::Instant::now();
    assert!(matches!(desk.elicit(value()).await, Err(Unanswered::Timeout)));
    when_gone.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 120);
    assert!(matches!(desk.approve(request()).await, Err(Unanswered::Timeout)));
    assert_eq!(start.elapsed().as_secs(), 120);
    assert!(matches!(desk.uplink(message()).await, Err(Unanswered::Timeout)));
    assert_eq!(start.elapsed().as_secs(), 125);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_or_panics_is_a_failure() {
    let desk = desk(Handlers {
        elicit: handler(|_| async { panic!("no terminal") }),
        approval: Some(Arc::new(|_| panic!("not even a future"))),
        uplink: handler(|_| async { Err(CallbackError::new(CallbackFault::WrongAnswer, "a number")) }),
    });
    let Err(Unanswered::Failed(failure)) = desk.elicit(value()).await else { panic!("answered") };
    assert_eq!(
        (failure.fault, failure.message.as_str()),
        (CallbackFault::Raised, "the handler panicked: no terminal")
    );
    assert!(matches!(desk.approve(request()).await, Err(Unanswered::Failed(_))));
    let Err(Unanswered::Failed(failure)) = desk.uplink(message()).await else { panic!("answered") };
    assert_eq!(failure.fault, CallbackFault::WrongAnswer);
}

#[tokio::test(start_paused = true)]
async fn bad_questions_are_not_asked_and_bad_answers_do_not_count() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let desk = desk(Handlers {
        elicit: handler(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            async { Ok(ElicitAnswer::List(vec![])) }
        }),
        ..Handlers::default()
    });
    let bad = ElicitDraft { key: "a:b".into(), ..value() };
    assert!(matches!(desk.elicit(bad).await, Err(Unanswered::Invalid(_))));
    let bad = ApprovalDraft { action: String::new(), ..request() };
    assert!(matches!(desk.approve(bad).await, Err(Unanswered::Invalid(_))));
    let bad = UplinkDraft { platform_user_id: String::new(), ..message() };
    assert!(matches!(desk.uplink(bad).await, Err(Unanswered::Invalid(_))));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert!(matches!(desk.elicit(value()).await, Err(Unanswered::Invalid(_))));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn open_questions_are_capped_for_each_capsule_and_principal() {
    let (asked, mut questions) = mpsc::unbounded_channel();
    let desk = desk(Handlers {
        elicit: handler(move |_: ElicitQuestion| {
            asked.send(()).unwrap();
            std::future::pending()
        }),
        approval: handler(|_| async { Ok(Decision::Approve) }),
        ..Handlers::default()
    });
    let mut open: Vec<_> = (0..16).map(|_| tokio::spawn(desk.elicit(value()))).collect();
    for _ in 0..16 {
        questions.recv().await.unwrap();
    }
    assert!(matches!(desk.elicit(value()).await, Err(Unanswered::TooMany)));
    assert!(matches!(desk.approve(request()).await, Err(Unanswered::TooMany)));
    let other = ApprovalDraft { principal: person("bob"), ..request() };
    assert!(desk.approve(other).await.is_ok());
    let other = ApprovalDraft { capsule: "other".into(), ..request() };
    assert!(desk.approve(other).await.is_ok());
    let taken_back = open.pop().unwrap();
    taken_back.abort();
    assert!(taken_back.await.unwrap_err().is_cancelled());
    assert!(desk.approve(request()).await.is_ok());
    open.iter().for_each(tokio::task::JoinHandle::abort);
    for question in open {
        let _ = question.await;
    }
    assert!(desk.0.open.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn taking_a_question_back_stops_the_handler() {
    let (gone, when_gone) = oneshot::channel();
    let (asked, when_asked) = oneshot::channel();
    let once = Mutex::new(Some((gone, asked)));
    let desk = desk(Handlers {
        approval: handler(move |_| {
            let (gone, asked) = once.lock().take().unwrap();
            async move {
                let _gone = Gone(Some(gone));
                asked.send(()).unwrap();
                std::future::pending().await
            }
        }),
        ..Handlers::default()
    });
    let mut question = Box::pin(desk.approve(request()));
    assert!(question.as_mut().now_or_never().is_none());
    when_asked.await.unwrap();
    drop(question);
    when_gone.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_ends_what_is_open_and_takes_no_more() {
    let desk = desk(Handlers { approval: handler(|_| std::future::pending()), ..Handlers::default() });
    let mut question = Box::pin(desk.approve(request()));
    assert!(question.as_mut().now_or_never().is_none());
    desk.close();
    assert!(matches!(question.await, Err(Unanswered::Closed)));
    assert!(matches!(desk.approve(request()).await, Err(Unanswered::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_message_comes_after_the_news_of_its_uplink() {
    let (told, mut events) = mpsc::unbounded_channel();
    let desk = desk(Handlers {
        uplink: handler(move |event| {
            let told = told.clone();
            async move {
                if let UplinkEvent::Registered(info) = &event {
                    assert_eq!(info.name, "main\\u{200b}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                told.send(event).unwrap();
                Ok(Delivery::Delivered)
            }
        }),
        ..Handlers::default()
    });
    desk.uplink_registered(uplink());
    assert_eq!(desk.uplink(message()).await.unwrap(), Delivery::Delivered);
    desk.uplink_unregistered(uplink());
    assert!(matches!(events.recv().await, Some(UplinkEvent::Registered(_))));
    assert!(matches!(events.recv().await, Some(UplinkEvent::Message(_))));
    assert!(matches!(events.recv().await, Some(UplinkEvent::Unregistered(_))));
    assert!(desk.0.introducing.lock().is_empty());
}

#[test]
fn the_caller_needs_no_runtime_and_a_blocking_handler_cannot_hold_up_the_deadline() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let handlers = Handlers {
        approval: handler(move |_| {
            let _ = blocked.lock().recv();
            async { Ok(Decision::Approve) }
        }),
        ..Handlers::default()
    };
    let timeouts = DeskTimeouts { approval: Duration::from_millis(20), ..DeskTimeouts::default() };
    let desk = desk_on(runtime.handle().clone(), handlers, timeouts);
    let answer =
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(desk.approve(request()));
    assert!(matches!(answer, Err(Unanswered::Timeout)));
    drop(release);
}

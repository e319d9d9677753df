"""What a person sees: events over time, the overlay, the frame loop, the window and the page.

Nothing here is imported by the recognizer or its stages; results come in, pictures and events
go out.
"""
